// Partial pooling, marginal parameterization: group effects and population
// coefficients integrated out, the same posterior as centered.
//
//   y ~ multi_normal(X beta, V),  V = sigma^2 I + sum_f Z_f Sigma_f Z_f'
//   beta ~ normal(beta_location, beta_scale), flat where the scale is inf
//
// beta and u are drawn from their exact conditional distribution afterwards.
// With all priors flat the log density is the REML log likelihood, or with
// beta_sampled the likelihood itself, whose mode is ML (Harville 1974,
// doi:10.1093/biomet/61.2.383).
//
// The rows enter by sums alone, so time does not depend on how many there are.
// Within level j of the factor Z_j = E_j R_j with orthonormal E_j. With
// k_j = E_j'[X y], A_j = I + R_j Sigma R_j' / sigma^2, and remainder =
// sum_j ([X y]'[X y] - k_j'k_j),
//
//   log|V| = N log sigma^2 + sum_j log|A_j|
//   [X y]' V^-1 [X y] = (remainder + sum_j k_j' A_j^-1 k_j) / sigma^2
functions {
  #include functions/design.stanfunctions
  #include functions/priors.stanfunctions
  
  #include functions/effects.stanfunctions
  
  #include functions/marginal.stanfunctions
}
data {
  // sizes
  int<lower=1> N; // rows
  int<lower=0> P; // population coefficients, columns of X
  int<lower=1> F; // group terms: effects of one factor, correlated
  array[F] int<lower=1> J; // levels of each term's factor
  array[F] int<lower=1> Q; // effects of each term
  int<lower=1> D; // different R among the levels
  
  // observations, reduced (hierstan/reduction.py), in standard units:
  // [X - x_center, y] = [Xs, ys] S with orthogonal columns, and Z = Zs T
  array[D] matrix[sum(Q), sum(Q)] R; // upper triangular, Zs'Zs = R'R
  array[J[1]] int<lower=1, upper=D> kind; // which R each level has
  array[sum(Q)] matrix[J[1], P + 1] k; // E'[Xs, ys]: by row of R, then level
  matrix[P + 1, P + 1] remainder; // of [Xs, ys]'[Xs, ys]
  vector[P] x_center; // taken off X's columns before priors apply; 0 = nothing
  matrix[P + 1, P + 1] S; // upper triangular
  matrix[sum(Q), sum(Q)] T;
  
  // priors; a scale of inf is a flat prior
  vector[P] beta_location; // normal prior of the coefficients of centred X
  vector<lower=0>[P] beta_scale;
  vector<lower=0>[sum(Q)] tau_df; // half-Student-t prior of tau, inf = normal
  vector<lower=0>[sum(Q)] tau_scale; // and scale, in units of y per unit of z
  real<lower=0> sigma_df; // half-Student-t prior of sigma, inf = normal
  real<lower=0> sigma_scale;
  vector<lower=0>[F] eta; // LKJ shape of each term's correlations, 1 = flat
  
  // switches
  int<lower=0, upper=1> prior_only; // 1: leave the likelihood out
  int<lower=0, upper=1> beta_sampled; // 1: beta is a parameter
  int<lower=0, upper=1> recover; // 1: draw u
}
transformed data {
  int G = count_effects(J, Q);
  int C = count_correlations(Q);
  int M = P + 1;
  int K = sum(Q);
  int H = choose(K + 1, 2); // elements of a packed matrix
  int B = beta_sampled ? P : 0;
  // coefficients of centred X are origin + slope * coefficients of Xs, the
  // latter in units of unit, the standard deviation of y beside Xs
  real unit = S[M, M];
  matrix[P, P] slope = unit * inverse(S[1 : P, 1 : P]);
  vector[P] origin = slope * S[1 : P, M] / unit;
  // the normal prior of beta, as rows of data with error sd 1
  int proper = count_finite(beta_scale);
  array[proper] int which = which_finite(beta_scale);
  matrix[proper, M] prior_rows = append_col(slope[which],
                                            beta_location[which]
                                            - origin[which]);
  vector[D] levels = rep_vector(0, D); // that have each R
  array[H] matrix[D, H] RR; // products of elements of R
  array[H] matrix[M * M, D] kk; // products of k, summed over levels of one R
  real prior_constant = -sum(log(beta_scale[which]))
                        - 0.5 * proper * log(2 * pi());
  prior_rows = diag_pre_multiply(inv(beta_scale[which]), prior_rows);
  for (j in 1 : J[1]) {
    levels[kind[j]] += 1;
  }
  for (a in 1 : K) {
    for (b in 1 : a) {
      int h = packed(a, b);
      kk[h] = rep_matrix(0, M * M, D);
      for (j in 1 : J[1]) {
        matrix[M, M] product = k[a, j]' * k[b, j];
        kk[h][ : , kind[j]] += to_vector(a == b ? product : product + product');
      }
      for (c in 1 : K) {
        for (d in 1 : c) {
          for (i in 1 : D) {
            RR[h][i, packed(c, d)] = R[i, a, c] * R[i, b, d];
            if (c != d) {
              RR[h][i, packed(c, d)] += R[i, a, d] * R[i, b, c];
            }
          }
        }
      }
    }
  }
  if (prior_only && !beta_sampled && proper < P) {
    reject("Without data, beta integrated out needs finite beta_scale.");
  }
}
parameters {
  vector<lower=0>[sum(Q)] tau; // sd of each effect over the levels
  vector<lower=-1, upper=1>[C] cpc; // partial correlations
  vector[beta_sampled ? P : 0] beta_standard; // of Xs, if sampled
  real<lower=0> sigma; // residual sd
}
transformed parameters {
  vector[C] rho = correlations_of_cpc(cpc, Q);
}
model {
  matrix[M, M] W = crossprod(prior_rows); // and [Xs, ys]' V^-1 [Xs, ys]
  target += half_t_or_flat_lpdf([sigma]' | [sigma_df]', [sigma_scale]')
            + half_t_or_flat_lpdf(tau | tau_df, tau_scale)
            + lkj_cpc_lpdf(cpc | Q, eta);
  if (!prior_only) {
    matrix[K, K] root = T * root_of_covariance(tau, cpc, Q) / sigma;
    array[H + 1] vector[D] inverses = invert(one_plus(tcrossprod(root), K, RR),
                                             K);
    W += weighted(inverses, kk, remainder) * square(unit / sigma);
    target += -0.5 * N * log(2 * pi()) - N * log(sigma)
              - 0.5 * dot_product(levels, inverses[H + 1]);
  }
  if (beta_sampled) {
    target += prior_constant
              - 0.5 * quad_form(W, append_row(-beta_standard, 1));
  } else if (!prior_only) {
    target += prior_constant + log_determinant(slope) + log_integral(W);
  }
}
generated quantities {
  vector[P] beta; // coefficients of X
  vector[recover ? G : 0] u; // group effects
  real lprior = half_t_or_flat_lpdf([sigma]' | [sigma_df]', [sigma_scale]')
                + half_t_or_flat_lpdf(tau | tau_df, tau_scale)
                + lkj_cpc_lpdf(cpc | Q, eta);
  {
    real s = sigma / unit;
    matrix[K, K] root = T * root_of_covariance(tau, cpc, Q) / sigma;
    array[J[1]] matrix[K, K] Rj = R[kind];
    matrix[M, M] W = rep_matrix(0, M, M);
    vector[P] standard = rep_vector(0, P);
    vector[P] beta_centered;
    if (prior_only) {
      Rj = rep_array(rep_matrix(0, K, K), J[1]);
    } else {
      W = weighted(invert(one_plus(tcrossprod(root), K, RR), K), kk, remainder)
          / square(s);
    }
    if (beta_sampled) {
      standard = beta_standard;
    } else {
      standard = coefficients_rng(W + crossprod(prior_rows));
    }
    beta_centered = origin + slope * standard;
    beta = uncenter(beta_centered, x_center);
    lprior += normal_or_flat_lpdf(beta_centered | beta_location, beta_scale);
    if (recover) {
      matrix[J[1], K] r;
      for (q in 1 : K) {
        r[ : , q] = k[q] * append_row(-standard, 1);
      }
      u = to_vector(effects_rng(root, s, Rj, r) * (unit * inverse(T))');
    }
  }
}

