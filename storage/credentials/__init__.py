"""Where clusters' secrets are kept: the contract, and Vault's KV v2."""
