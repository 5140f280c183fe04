"""The pack ``accept``, one file a rule."""
