"""A site of every generated page and of every kind of picture, for a browser to look at."""

project = "pictures"
extensions = ["efipolicy.sphinxext"]
html_theme = "furo"
html_copy_source = False
html_show_sphinx = False
efipolicy_rule_pages = "rules"
efipolicy_strategy_pages = "strategies"
efipolicy_architecture_pages = "architectures"
efipolicy_platform_pages = "platforms"
