//! Dividing resources by the sum of what they are worth: linear and 0/1 programs, assignment.
