// A function from a C++ header, and a profile block.
functions {
  real shifted(real x);
}
data {
  real center;
}
parameters {
  real x;
}
model {
  profile("density") {
    target += -0.5 * square(shifted(x) - center);
  }
}
