// Independent group effects, non-centered: what a Stan user writes by hand.
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
  vector[sum(J)] z;
  real<lower=0> sigma;
}
model {
  vector[N] effects = zeros_vector(N);
  int start = 1;
  for (k in 1 : K) {
    vector[J[k]] u = tau[k] * segment(z, start, J[k]);
    effects += Z[ : , k] .* u[group[k]];
    start += J[k];
  }
  beta ~ normal(beta_location, beta_scale);
  tau ~ normal(0, tau_scale);
  sigma ~ normal(0, sigma_scale);
  z ~ std_normal();
  y ~ normal_id_glm(X, effects, beta, sigma);
}
