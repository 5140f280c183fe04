project = "pages"
extensions = ["efipolicy.sphinxext"]
nitpicky = True
efipolicy_rule_pages = "rules"
efipolicy_platform_pages = "platforms"
