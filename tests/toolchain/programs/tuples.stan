// Tuples and complex numbers in every block that takes them.
data {
  tuple(int<lower=1>, array[2] real) setting; // number of draws, and their location and scale
  complex shift;
}
parameters {
  tuple(real, vector<lower=0>[2]) place;
}
transformed parameters {
  array[2] tuple(real, complex) parts;
  for (i in 1 : 2) {
    parts[i] = (place.1 + i, to_complex(place.2[i], i) + shift);
  }
}
model {
  place.1 ~ normal(setting.2[1], setting.2[2]);
  place.2 ~ exponential(1);
}
generated quantities {
  tuple(array[setting.1] real, tuple(int, complex_vector[2])) drawn;
  for (i in 1 : setting.1) {
    drawn.1[i] = normal_rng(place.1, 1);
  }
  drawn.2.1 = poisson_rng(3.5);
  drawn.2.2 = [parts[1].2, parts[2].2]';
}
