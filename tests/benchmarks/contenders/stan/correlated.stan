// Two correlated effects of one factor, non-centered: what a Stan user writes by hand.
data {
  int<lower=1> N;
  int<lower=1> P;
  int<lower=2, upper=2> K; // group effects
  vector[N] y;
  matrix[N, P] X;
  matrix[N, K] Z;
  int<lower=1> J; // levels
  array[N] int<lower=1, upper=J> group;
  vector[P] beta_location;
  vector<lower=0>[P] beta_scale;
  vector<lower=0>[K] tau_scale;
  real<lower=0> sigma_scale;
}
parameters {
  vector[P] beta;
  vector<lower=0>[K] tau;
  cholesky_factor_corr[K] L;
  matrix[K, J] z;
  real<lower=0> sigma;
}
model {
  matrix[J, K] u = (diag_pre_multiply(tau, L) * z)';
  beta ~ normal(beta_location, beta_scale);
  tau ~ normal(0, tau_scale);
  L ~ lkj_corr_cholesky(1);
  sigma ~ normal(0, sigma_scale);
  to_vector(z) ~ std_normal();
  y ~ normal_id_glm(X, rows_dot_product(Z, u[group]), beta, sigma);
}
generated quantities {
  real rho = multiply_lower_tri_self_transpose(L)[1, 2];
}
