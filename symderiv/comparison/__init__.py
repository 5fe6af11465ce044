"""Networks side by side: where their gradients differ, by which factor, and what that does."""
