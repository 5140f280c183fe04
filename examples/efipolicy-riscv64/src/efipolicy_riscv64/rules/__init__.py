"""The pack ``riscv64``: one file a rule."""
