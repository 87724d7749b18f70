"""The pure sums of earning: what a sale or an event earns by the rules of its moment, and every reason why not."""
