"""The pack ``i386``, one file a rule."""
