// Rubin (1981), doi:10.3102/10769986006004377: effects of coaching in eight schools.
data {
  int<lower=0> J;
  vector[J] y; // estimated effect
  vector<lower=0>[J] sigma; // its standard error
}
parameters {
  real mu;
  real<lower=0> tau;
  vector<offset=mu, multiplier=tau>[J] theta;
}
model {
  mu ~ normal(0, 5);
  tau ~ cauchy(0, 5);
  theta ~ normal(mu, tau);
  y ~ normal(theta, sigma);
}
generated quantities {
  array[J] real y_rep = normal_rng(theta, sigma);
}
