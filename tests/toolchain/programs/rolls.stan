// No parameters: the sampler must switch to fixed_param by itself.
data {
  int<lower=1> sides;
}
generated quantities {
  int<lower=1, upper=sides> roll = categorical_rng(rep_vector(1.0 / sides, sides));
  matrix[2, 3] table;
  tuple(real, array[2] real) pair = (normal_rng(0, 1), {uniform_rng(0, 1), 2.5});
  for (i in 1 : 2) {
    for (j in 1 : 3) {
      table[i, j] = 10 * i + j;
    }
  }
}
