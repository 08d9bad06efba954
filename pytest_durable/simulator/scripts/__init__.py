"""Scripts: what a test decides beforehand, about callbacks, invoked functions and bodies of steps."""
