// The driver as one translation unit: reading Stan's headers takes most of a small
// file's compile time, so they are read once.
#include "evaluate.cpp"
#include "inputs.cpp"
#include "main.cpp"
#include "optimize.cpp"
#include "sample.cpp"
#include "session.cpp"
#include "variational.cpp"
