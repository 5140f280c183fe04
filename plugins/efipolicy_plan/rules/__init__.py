"""The pack ``plan``, one file a rule."""
