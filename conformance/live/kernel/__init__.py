"""Labs of the running kernel: a pair of namespaces, an agent, sock_diag, the trace."""
