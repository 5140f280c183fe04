"""What efipolicy talks about: descriptors, maps, platforms, plans, findings. Values only."""
