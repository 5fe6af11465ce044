# two layer net, relu + softmax, X is (N, D), y one-hot Y is (N, C)
# loss = mean cross entropy over the N rows

def forward(X):
    Z1 = X @ W1 + b1
    H = np.maximum(0, Z1)
    S = H @ W2 + b2
    P = softmax(S)      # row wise
    loss = -np.sum(Y * np.log(P)) / N

def backward():
    dS = (P - Y) / N
    dW2 = H.T @ dS
    db2 = np.sum(dS, axis=0)
    dH = dS @ W2.T
    dZ1 = dH * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = np.sum(dZ1, axis=0)
