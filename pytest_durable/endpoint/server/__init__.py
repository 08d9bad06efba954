"""The simulated service as a server, in real or skipped time. Handlers run in processes of their own."""
