package evidence

// Rebuilt are the converters that a script makes again, with their arguments.
var Rebuilt = rebuilt
