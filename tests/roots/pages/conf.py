project = "pages"
extensions = ["efipolicy.sphinxext"]
nitpicky = True
efipolicy_rule_pages = "rules"
efipolicy_strategy_pages = "strategies"
efipolicy_platform_pages = "platforms"
html_sidebars = {"**": []}  # a tree of every page on every page is half of the work
