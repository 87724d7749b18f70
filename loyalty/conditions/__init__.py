"""The language of conditions: what a sale or an event must be like, checked, compiled to a function, said in words."""
