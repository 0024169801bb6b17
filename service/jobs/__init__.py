"""Long work: a durable engine for what must finish, and a pool of processes for pixels."""
