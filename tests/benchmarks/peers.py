"""How others train the same networks: idiomatic NumPy, JAX, PyTorch, Numba. Each returns (run(steps) -> loss, parameters).

A peer that is not installed raises ImportError and is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from workloads import SGD_SAMPLES, Workload

Peer = tuple[Callable[[int], float], Callable[[], dict[str, Any]]]


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def numpy_idiomatic(w: Workload) -> Peer:
    """What a good engineer writes: rows, separate biases, updates in place, each formula as in a textbook."""
    P = w.parameters()

    def step(X, Y):
        m = len(X)
        Z1 = X @ P["W1"] + P["b1"]
        A1 = np.tanh(Z1) if w.activation == "tanh" else sigmoid(Z1)
        Z2 = A1 @ P["W2"] + P["b2"]
        if w.head.startswith("softmax"):
            E = np.exp(Z2 - Z2.max(axis=1, keepdims=True))
            A2 = E / E.sum(axis=1, keepdims=True)
            R = A2 - Y
            loss = -np.sum(Y * np.log(A2)) / m
            dZ2 = R / m
            if w.head == "softmax mse+ce":
                loss += np.sum(R**2) / (2 * m)
                dZ2 = dZ2 + A2 * (R - np.sum(A2 * R, axis=1, keepdims=True)) / m
        else:
            A2 = sigmoid(Z2)
            R = A2 - Y
            if w.head == "sigmoid log":
                loss = -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
                dZ2 = R / m
            else:
                half = w.head == "sigmoid half"
                loss = np.sum(R**2) / 2 if half else np.mean(R**2)
                dZ2 = (R if half else 2 * R / m) * A2 * (1 - A2)
        dA1 = dZ2 @ P["W2"].T
        dZ1 = dA1 * (1 - A1**2) if w.activation == "tanh" else dA1 * A1 * (1 - A1)
        P["W2"] -= w.rate * (A1.T @ dZ2)
        P["b2"] -= w.rate * dZ2.sum(axis=0)
        P["W1"] -= w.rate * (X.T @ dZ1)
        P["b1"] -= w.rate * dZ1.sum(axis=0)
        return loss

    def run(steps):
        loss = 0.0
        for t in range(steps):
            k = t % SGD_SAMPLES
            loss = step(w.X[k : k + 1], w.Y[k : k + 1]) if w.one_by_one else step(w.X, w.Y)
        return float(loss)

    return run, lambda: P


def _jax_step(w: Workload):
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    X, Y = jnp.asarray(w.X), jnp.asarray(w.Y)

    def loss(P, x, y):
        m = x.shape[0]
        Z1 = x @ P["W1"] + P["b1"]
        Z2 = (jnp.tanh(Z1) if w.activation == "tanh" else jax.nn.sigmoid(Z1)) @ P["W2"] + P["b2"]
        if w.head.startswith("softmax"):
            logs = jax.nn.log_softmax(Z2, axis=1)
            value = -jnp.sum(y * logs) / m
            return value + jnp.sum((jnp.exp(logs) - y) ** 2) / (2 * m) if w.head == "softmax mse+ce" else value
        if w.head == "sigmoid log":
            return jnp.mean(jax.nn.softplus(Z2) - y * Z2)
        R = jax.nn.sigmoid(Z2) - y
        return jnp.sum(R**2) / 2 if w.head == "sigmoid half" else jnp.mean(R**2)

    def step(t, P):
        if w.one_by_one:
            k = t % SGD_SAMPLES
            x, y = jax.lax.dynamic_slice_in_dim(X, k, 1), jax.lax.dynamic_slice_in_dim(Y, k, 1)
        else:
            x, y = X, Y
        value, gradients = jax.value_and_grad(loss)(P, x, y)
        return {name: P[name] - w.rate * gradients[name] for name in P}, value

    return jax, jnp, step


def jax_loop(w: Workload) -> Peer:
    """The whole loop compiled by XLA."""
    jax, jnp, step = _jax_step(w)

    @jax.jit
    def many(P, steps):
        return jax.lax.fori_loop(0, steps, lambda t, carry: step(t, carry[0]), (P, jnp.zeros(())))

    state = {"P": {k: jnp.asarray(v) for k, v in w.parameters().items()}}

    def run(steps):
        state["P"], value = many(state["P"], steps)
        return float(value)

    return run, lambda: {k: np.asarray(v) for k, v in state["P"].items()}


def jax_per_step(w: Workload) -> Peer:
    """One compiled step, called from Python."""
    jax, jnp, step = _jax_step(w)
    one = jax.jit(lambda P, t: step(t, P))
    state = {"P": {k: jnp.asarray(v) for k, v in w.parameters().items()}}

    def run(steps):
        P, value = state["P"], 0.0
        for t in range(steps):
            P, value = one(P, t)
        state["P"] = jax.block_until_ready(P)
        return float(value)

    return run, lambda: {k: np.asarray(v) for k, v in state["P"].items()}


def torch_eager(w: Workload) -> Peer:
    """PyTorch as its tutorials write it."""
    import torch
    import torch.nn.functional as F

    torch.set_default_dtype(torch.float64)
    P = {k: torch.tensor(v, requires_grad=True) for k, v in w.parameters().items()}
    X, Y = torch.tensor(w.X), torch.tensor(w.Y)
    optimizer = torch.optim.SGD(P.values(), lr=w.rate)

    def step(x, y):
        optimizer.zero_grad()
        Z1 = x @ P["W1"] + P["b1"]
        Z2 = (torch.tanh(Z1) if w.activation == "tanh" else torch.sigmoid(Z1)) @ P["W2"] + P["b2"]
        if w.head.startswith("softmax"):
            loss = F.cross_entropy(Z2, y)
            if w.head == "softmax mse+ce":
                loss = loss + ((torch.softmax(Z2, 1) - y) ** 2).sum() / (2 * len(x))
        elif w.head == "sigmoid log":
            loss = F.binary_cross_entropy_with_logits(Z2, y)
        else:
            R = torch.sigmoid(Z2) - y
            loss = (R**2).sum() / 2 if w.head == "sigmoid half" else (R**2).mean()
        loss.backward()
        optimizer.step()
        return loss

    def run(steps):
        loss = torch.zeros(())
        for t in range(steps):
            k = t % SGD_SAMPLES
            loss = step(X[k : k + 1], Y[k : k + 1]) if w.one_by_one else step(X, Y)
        return float(loss.detach())

    return run, lambda: {k: v.detach().numpy() for k, v in P.items()}


def numba_fused(w: Workload) -> Peer:
    """Numba as an expert writes it: the loop inside, fused over samples, own branch-free exp so that LLVM vectorises."""
    if w.name not in ("W1", "W2", "W5"):
        raise ImportError("for small networks")
    return _numba_sgd(w) if w.one_by_one else _numba_batch(w)


def _numba_sgd(w: Workload) -> Peer:
    from numba import njit

    exp = math.exp

    @njit(fastmath=True)
    def many(v, X, Y, steps, rate):
        a1, a2, a0, c1, c2, c0, u1, u2, u0 = v
        loss = 0.0
        for t in range(steps):
            k = t & (SGD_SAMPLES - 1)
            x1, x2, y = X[k, 0], X[k, 1], Y[k, 0]
            a, c = 1 / (1 + exp(-(a1 * x1 + a2 * x2 + a0))), 1 / (1 + exp(-(c1 * x1 + c2 * x2 + c0)))
            p = 1 / (1 + exp(-(u1 * a + u2 * c + u0)))
            loss = 0.5 * (p - y) ** 2
            d = rate * (p - y) * p * (1 - p)
            da, dc = d * u1 * a * (1 - a), d * u2 * c * (1 - c)
            u1, u2, u0 = u1 - d * a, u2 - d * c, u0 - d
            a1, a2, a0 = a1 - da * x1, a2 - da * x2, a0 - da
            c1, c2, c0 = c1 - dc * x1, c2 - dc * x2, c0 - dc
        return (a1, a2, a0, c1, c2, c0, u1, u2, u0), loss

    P = w.parameters()
    state = {"v": (*P["W1"][:, 0], P["b1"][0, 0], *P["W1"][:, 1], P["b1"][0, 1], *P["W2"][:, 0], P["b2"][0, 0])}
    state["v"] = tuple(float(x) for x in state["v"])

    def run(steps):
        state["v"], loss = many(state["v"], w.X, w.Y, steps, w.rate)
        return loss

    def parameters():
        v = np.array(state["v"])
        return {"W1": v[[0, 3, 1, 4]].reshape(2, 2), "b1": v[[2, 5]][None], "W2": v[6:8, None], "b2": v[8:][None]}

    return run, parameters


def _numba_batch(w: Workload) -> Peer:
    from math import factorial, log

    from numba import njit, types
    from numba.extending import intrinsic

    @intrinsic
    def as_double(context, bits):
        return types.float64(types.int64), lambda c, builder, s, a: builder.bitcast(
            a[0], c.get_value_type(types.float64)
        )

    C = [1.0 / factorial(k) for k in range(12)]
    c2, c3, c4, c5, c6, c7, c8, c9, c10, c11 = C[2:]

    @njit(fastmath={"contract", "nnan", "ninf", "nsz", "arcp"}, inline="always", error_model="numpy")
    def expo(x):
        x = min(max(x, -700.0), 700.0)
        k = np.int64(x * 1.4426950408889634 + 1023.5)
        r = x - (k - 1023) * 0.6931471805599453
        q = c6 + r * (c7 + r * (c8 + r * (c9 + r * (c10 + r * c11))))
        return (1 + r * (1 + r * (c2 + r * (c3 + r * (c4 + r * (c5 + r * q)))))) * as_double(k << 52)

    @njit(fastmath=True, error_model="numpy")
    def many(U1, U2, X, y, steps, rate, pair):
        """U = [W b] by rows, samples as columns; two classes as one logit (`pair`)."""
        h, f1 = U1.shape
        f, n, B, loss = f1 - 1, X.shape[1], 64, 0.0
        G, g, A = np.empty((h, f1)), np.empty(h + 1), np.empty((h, B))
        z, D, E, u = np.empty(B), np.empty(B), np.empty(B), np.empty(h + 1)
        for _ in range(steps):
            u[:] = U2[0] - U2[1] if pair else U2[0]
            G[:], g[:], total = 0.0, 0.0, 0.0
            for start in range(0, n, B):
                m = min(B, n - start)
                z[:m] = u[h]
                for j in range(h):
                    a = A[j]
                    for i in range(m):
                        a[i] = U1[j, f]
                    for c in range(f):
                        q, x = U1[j, c], X[c, start : start + m]
                        for i in range(m):
                            a[i] += q * x[i]
                    q = u[j]
                    for i in range(m):
                        s = 1 - 2 / (1 + expo(2 * a[i]))
                        a[i] = s
                        z[i] += q * s
                for i in range(m):
                    E[i] = 1 + expo(-z[i])
                part = y[start : start + m]
                for i in range(m):
                    p = 1 / E[i]
                    r = p - part[i]
                    total += z[i] * (1 - part[i])
                    if pair:
                        total += r * r
                        r *= 1 + 2 * p * (1 - p)
                    D[i] = r
                for i in range(m):
                    total += log(E[i])
                for i in range(m):
                    g[h] += D[i]
                for j in range(h):
                    a, q, s0, s1 = A[j], u[j], 0.0, 0.0
                    for i in range(m):
                        s0 += D[i] * a[i]
                        e = D[i] * q * (1 - a[i] * a[i])
                        E[i] = e
                        s1 += e
                    g[j] += s0
                    G[j, f] += s1
                    for c in range(f):
                        s, x = 0.0, X[c, start : start + m]
                        for i in range(m):
                            s += E[i] * x[i]
                        G[j, c] += s
            loss, c0 = total / n, rate / n
            for j in range(h):
                for c in range(f1):
                    U1[j, c] -= c0 * G[j, c]
            for j in range(h + 1):
                U2[0, j] -= c0 * g[j]
                if pair:
                    U2[1, j] += c0 * g[j]
        return loss

    P = w.parameters()
    U1, U2 = np.hstack([P["W1"].T, P["b1"].T]).copy(), np.hstack([P["W2"].T, P["b2"].T]).copy()
    X, y, pair = np.ascontiguousarray(w.X.T), np.ascontiguousarray(w.Y[:, 0]), w.outputs == 2
    return (lambda steps: many(U1, U2, X, y, steps, w.rate, pair)), lambda: {
        "W1": U1[:, :-1].T, "b1": U1[:, -1:].T, "W2": U2[:, :-1].T, "b2": U2[:, -1:].T,
    }  # fmt: skip


PEERS = {
    "NumPy, idiomatic": numpy_idiomatic, "JAX, whole loop": jax_loop, "JAX, a call a step": jax_per_step,
    "PyTorch, eager": torch_eager, "Numba, fused": numba_fused,
}  # fmt: skip
