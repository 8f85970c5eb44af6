"""Where clusters' secrets are kept: the contract, and its two homes, Vault's KV v2 and Kubernetes Secrets."""
