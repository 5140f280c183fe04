"""The pack ``windows``, one file a rule."""
