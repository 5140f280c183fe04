"""The pack ``ia64``, one file a rule."""
