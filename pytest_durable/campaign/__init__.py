"""Campaign: the side of an exploration that pytest sees.

It runs the test of an item again and again within its call phase, each time with fixtures of its own, and
reports the smallest failing plan as the failure of that one item.
"""
