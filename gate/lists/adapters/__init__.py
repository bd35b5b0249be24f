"""Adapters to registers that are asked online: each turns a question into one exchange with a register and its answer into ours."""
