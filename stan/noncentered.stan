// Partial pooling, non-centered parameterization: group effects built from
// standard normal ones, the same posterior as centered.
//
//   y_i ~ normal(x_i' beta + sum_f z_if' u_{f, g_f(i)}, sigma)
//   u_{f,j} = diag(tau_f) L_f z_{f,j},  z_{f,j} ~ normal(0, I),
//   L_f L_f' = Omega_f
//
// Good when groups have little data: z and tau are independent beforehand, so
// there is no funnel (Papaspiliopoulos, Roberts and Skold 2007,
// doi:10.1214/088342307000000014).
functions {
  #include functions/design.stanfunctions
  #include functions/priors.stanfunctions
  #include functions/effects.stanfunctions
}
data {
  // sizes
  int<lower=1> N; // rows
  int<lower=0> P; // population coefficients, columns of X
  int<lower=1> F; // group terms: effects of one factor, correlated
  array[F] int<lower=1> J; // levels of each term's factor
  array[F] int<lower=1> Q; // effects of each term
  
  // observations
  vector[N] y; // response
  matrix[N, P] X; // population design, intercept first if there is one
  vector[P] x_center; // taken off X's columns before priors apply; 0 = nothing
  matrix[N, sum(Q)] Z; // effect columns, term after term
  array[F, N] int<lower=1, upper=max(J)> group; // level of each row, by term
  
  // priors; a scale of inf is a flat prior
  vector[P] beta_location; // normal prior of the coefficients of centred X
  vector<lower=0>[P] beta_scale;
  vector[sum(Q)] gamma_location; // normal prior of unpooled group coefficients
  vector<lower=0>[sum(Q)] gamma_scale;
  vector<lower=0>[sum(Q)] tau_df; // half-Student-t prior of tau, inf = normal
  vector<lower=0>[sum(Q)] tau_scale; // and scale, in units of y per unit of z
  real<lower=0> sigma_df; // half-Student-t prior of sigma, inf = normal
  real<lower=0> sigma_scale;
  vector<lower=0>[F] eta; // LKJ shape of each term's correlations, 1 = flat
  
  // sampler's units; they change its path, not the posterior
  vector<lower=0>[P] beta_unit; // of each population coefficient
  vector<lower=0>[sum(Q)] effect_unit; // of each group effect or coefficient
  
  // switches
  int<lower=0, upper=1> prior_only; // 1: leave the likelihood out
  int<lower=0, upper=1> pointwise; // 1: give y_rep and log_lik for every row
}
transformed data {
  int G = count_effects(J, Q);
  int C = count_correlations(Q);
  matrix[N, P] Xc = center_columns(X, x_center);
}
parameters {
  vector<multiplier=beta_unit>[P] beta_centered; // of X's centred columns
  vector<lower=0>[sum(Q)] tau; // sd of each effect over the levels
  vector<lower=-1, upper=1>[C] cpc; // partial correlations of the effects
  vector[G] z; // standardized group effects
  real<lower=0> sigma; // residual sd
}
transformed parameters {
  vector[P] beta = uncenter(beta_centered, x_center); // coefficients of X
  vector[G] u = scale_effects(z, tau, cpc, J, Q); // group effects
  vector[C] rho = correlations_of_cpc(cpc, Q);
  real lprior = normal_or_flat_lpdf(beta_centered | beta_location, beta_scale)
                + half_t_or_flat_lpdf([sigma]' | [sigma_df]', [sigma_scale]')
                + half_t_or_flat_lpdf(tau | tau_df, tau_scale)
                + lkj_cpc_lpdf(cpc | Q, eta);
}
model {
  target += lprior;
  target += std_normal_lpdf(z);
  if (!prior_only) {
    vector[N] groups = group_contribution(Z, u, group, J, Q);
    target += normal_id_glm_lpdf(y | Xc, groups, beta_centered, sigma);
  }
}
generated quantities {
  array[pointwise ? N : 0] real y_rep; // one replicated data set
  vector[pointwise ? N : 0] log_lik; // log density of each y
  if (pointwise) {
    vector[N] mu = Xc * beta_centered + group_contribution(Z, u, group, J, Q);
    y_rep = normal_rng(mu, sigma);
    for (i in 1 : N) {
      log_lik[i] = normal_lpdf(y[i] | mu[i], sigma);
    }
  }
}

