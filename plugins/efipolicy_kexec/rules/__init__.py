"""The pack ``kexec``, one file a rule."""
