"""The pack ``x86_64``, one file a rule."""
