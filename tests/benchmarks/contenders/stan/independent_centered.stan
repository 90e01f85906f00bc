// Independent group effects, centered: the better form where groups are large.
data {
  int<lower=1> N;
  int<lower=1> P;
  int<lower=1> K; // group effects, each with its grouping factor
  vector[N] y;
  matrix[N, P] X;
  matrix[N, K] Z;
  array[K] int<lower=1> J; // levels
  array[K, N] int<lower=1> group;
  vector[P] beta_location;
  vector<lower=0>[P] beta_scale;
  vector<lower=0>[K] tau_scale;
  real<lower=0> sigma_scale;
}
parameters {
  vector[P] beta;
  vector<lower=0>[K] tau;
  vector[sum(J)] u;
  real<lower=0> sigma;
}
model {
  vector[N] effects = zeros_vector(N);
  int start = 1;
  for (k in 1 : K) {
    vector[J[k]] own = segment(u, start, J[k]);
    own ~ normal(0, tau[k]);
    effects += Z[ : , k] .* own[group[k]];
    start += J[k];
  }
  beta ~ normal(beta_location, beta_scale);
  tau ~ normal(0, tau_scale);
  sigma ~ normal(0, sigma_scale);
  y ~ normal_id_glm(X, effects, beta, sigma);
}
