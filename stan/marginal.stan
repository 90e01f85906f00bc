// Partial pooling, marginal parameterization: group effects and population
// coefficients integrated out, the same posterior as centered.
//
//   y ~ multi_normal(X beta, V),  V = sigma^2 I + sum_f Z_f Sigma_f Z_f'
//   beta ~ normal(beta_location, beta_scale), flat where the scale is inf
//
// beta and u are drawn from their exact conditional distribution afterwards.
// NUTS moves in tau_raw, tau = tau_unit |sinh(tau_raw)|: like tau itself below
// tau_unit, so that tau = 0 is a point to pass and not, as in log(tau), out of
// reach; and like log(tau) above, where tau has a long tail. Mirroring an effect,
// tau_raw and its cpc_raw with the other sign, changes no covariance.
// With all priors flat the log density is the REML log likelihood, or with
// beta_sampled the likelihood itself, whose mode is ML (Harville 1974,
// doi:10.1093/biomet/61.2.383).
//
// The rows enter by sums alone, so time does not depend on how many there are.
// Within level j of the finest factor Z_j = E_j R_j with orthonormal E_j. With
// k_j = E_j'[X y], A_j = I + R_j Sigma R_j' / sigma^2, and remainder =
// sum_j ([X y]'[X y] - k_j'k_j), one factor gives
//
//   log|V| = N log sigma^2 + sum_j log|A_j|
//   [X y]' V^-1 [X y] = (remainder + sum_j k_j' A_j^-1 k_j) / sigma^2
//
// The factors that it is nested in follow one after the other in the same way,
// from sums over their levels that are weighted by the inverses so far.
functions {
  #include functions/design.stanfunctions
  #include functions/priors.stanfunctions

  #include functions/effects.stanfunctions

  #include functions/recovery.stanfunctions
}
data {
  // sizes
  int<lower=1> N; // rows
  int<lower=0> P; // population coefficients, columns of X
  int<lower=1> F; // group terms: effects of one factor, correlated
  array[F] int<lower=1> J; // levels of each term's factor
  array[F] int<lower=1> Q; // effects of each term
  int<lower=1> L; // grouping factors, each nested in the next
  array[L] int<lower=1> levels; // of each factor, the finest first
  array[L] int<lower=1> effects; // of each factor
  array[L] int<lower=1, upper=sum(Q)> place; // first effect of each factor
  int<lower=1> D; // different R among the levels of the finest factor

  // observations, reduced (hierstan/marginal/reduction.py), in standard units:
  // [X - x_center, y] = [Xs, ys] S with orthogonal columns, and Z = Zs T
  array[L, levels[1]] int<lower=1> ancestor; // of each finest level, by factor
  array[D] matrix[effects[1], effects[1]] R; // upper triangular, Zs'Zs = R'R
  array[levels[1]] int<lower=1, upper=D> kind; // which R each level has
  // E'[Zs of the coarser factors, Xs, ys]: by row of R, then level
  array[effects[1]] matrix[levels[1], sum(effects) - effects[1] + P + 1] k;
  // what the finest factor leaves of Zs'[Zs, Zs of the coarser, Xs, ys] of every
  // other factor (by factor, row, column, level), and of [Xs, ys]'[Xs, ys] (packed)
  vector[count_products(levels, effects, P)] remainder;
  vector[P] x_center; // taken off X's columns before priors apply; 0 = nothing
  matrix[P + 1, P + 1] S; // upper triangular
  matrix[sum(Q), sum(Q)] T;
  vector<lower=0>[sum(Q)] tau_unit; // sd to which a level's own rows know an effect

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
  int<lower=0, upper=1> of_tau; // 1: the density is that of tau, not of tau_raw
  int<lower=0, upper=1> recover; // 1: draw u
}
transformed data {
  int G = count_effects(J, Q);
  int C = count_correlations(Q);
  int M = P + 1;
  int K = effects[1];
  int H = choose(K + 1, 2); // elements of a packed matrix
  int Y = choose(M + 1, 2);
  int E = size(remainder);
  array[L + 1] int columns = count_columns(effects, P);
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
  real prior_constant = -sum(log(beta_scale[which]))
                        - 0.5 * proper * log(2 * pi());
  // products of data that the inverses weigh, and the order of their levels
  array[L, 2, L, max(levels) + 1] int kin;
  int elements = products_start(rep_array(1, L), columns, L + 1) - 1;
  array[elements, H] vector[levels[1]] kZ;
  array[H] matrix[Y, D] kk = products_of_X(k, kind, D, M);
  array[H] matrix[D, H] RR = products_of_R(R);
  vector[D] same = rep_vector(0, D); // levels with each R
  for (l in 1 : L) {
    kin[l] = kinship(l, ancestor, levels);
  }
  kZ = products_of_Z(k, columns, kin[1, 1]);
  for (i in 2 : L) {
    kin[1, 1, i, 1 : levels[1]] = kind[kin[1, 1, i, 1 : levels[1]]];
  }
  for (j in 1 : levels[1]) {
    same[kind[j]] += 1;
  }
  prior_rows = diag_pre_multiply(inv(beta_scale[which]), prior_rows);
  if (prior_only && !beta_sampled && proper < P) {
    reject("Without data, beta integrated out needs finite beta_scale.");
  }
}
parameters {
  vector[sum(Q)] tau_raw;
  vector<lower=-1, upper=1>[C] cpc_raw; // cpc, if no effect is mirrored
  vector[beta_sampled ? P : 0] beta_standard; // of Xs, if sampled
  real<lower=0> sigma; // residual sd
}
transformed parameters {
  // sd of each effect over the levels, and partial correlations
  vector<lower=0>[sum(Q)] tau = tau_unit .* abs(sinh(tau_raw));
  vector<lower=-1, upper=1>[C] cpc = mirror(cpc_raw, tau_raw, Q);
  vector[C] rho = correlations_of_cpc(cpc, Q);
}
model {
  matrix[M, M] W = crossprod(prior_rows); // and [Xs, ys]' V^-1 [Xs, ys]
  target += half_t_or_flat_lpdf([sigma]' | [sigma_df]', [sigma_scale]')
            + half_t_or_flat_lpdf(tau | tau_df, tau_scale)
            + lkj_cpc_lpdf(cpc_raw | Q, eta);
  if (!of_tau) {
    target += sum(log(0.5 * tau_unit .* cosh(tau_raw))); // tau_raw of both signs
  }
  if (!prior_only) {
    // tau_raw and cpc_raw give the covariance of tau and cpc, without a kink.
    vector[sum(Q)] signed_tau = tau_unit .* sinh(tau_raw);
    matrix[sum(Q), sum(Q)] root = T
                                  * root_of_covariance(signed_tau, cpc_raw, Q)
                                  / sigma;
    vector[E + 1] sums = append_row(remainder, 0);
    for (l in 1 : L) {
      int last = place[l] + effects[l] - 1;
      matrix[effects[l], effects[l]] own = root[place[l] : last, place[l] : last];
      if (l == 1) {
        sums += eliminate(own, levels, columns, kin[1], RR, kk, kZ, same);
      } else {
        sums += eliminate(own, levels, columns, kin[l], l, sums);
      }
    }
    W += unpacked(sums[E - Y + 1 : E], M) * square(unit / sigma);
    target += -0.5 * N * log(2 * pi()) - N * log(sigma) - 0.5 * sums[E + 1];
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
    matrix[sum(Q), sum(Q)] root = T * root_of_covariance(tau, cpc, Q) / sigma;
    array[L] vector[E + 1] sums = rep_array(append_row(remainder, 0), L);
    matrix[M, M] W = crossprod(prior_rows);
    vector[P] standard;
    vector[P] beta_centered;
    if (!prior_only) {
      for (l in 1 : L) {
        int last = place[l] + effects[l] - 1;
        matrix[effects[l], effects[l]] own = root[place[l] : last, place[l] : last];
        if (l == 1) {
          sums[1] += eliminate(own, levels, columns, kin[1], RR, kk, kZ, same);
        } else {
          sums[l] = sums[l - 1]
                    + eliminate(own, levels, columns, kin[l], l, sums[l - 1]);
        }
      }
      W += unpacked(sums[L, E - Y + 1 : E], M) * square(unit / sigma);
    }
    if (beta_sampled) {
      standard = beta_standard;
    } else {
      standard = coefficients_rng(W);
    }
    beta_centered = origin + slope * standard;
    beta = uncenter(beta_centered, x_center);
    lprior += normal_or_flat_lpdf(beta_centered | beta_location, beta_scale);
    if (recover) {
      matrix[max(levels), max(effects)] none = rep_matrix(0, max(levels),
                                                          max(effects));
      array[L] matrix[max(levels), max(effects)] us = rep_array(none, L);
      for (step in 1 : L) {
        int l = L + 1 - step; // the coarsest first
        int last = place[l] + effects[l] - 1;
        int at = 1;
        matrix[effects[l], effects[l]] own = root[place[l] : last, place[l] : last];
        matrix[levels[l], columns[l + 1]] known;
        matrix[levels[l], effects[l]] drawn;
        array[levels[l]] matrix[effects[l], columns[l]] ZW;
        if (prior_only) {
          ZW = rep_array(rep_matrix(0, effects[l], columns[l]), levels[l]);
        } else if (l == 1) {
          ZW = finest_products(R[kind], k);
        } else {
          ZW = coarser_products(sums[l - 1], l, levels, columns);
        }
        known = known_columns(us, standard, l, ancestor, levels, columns);
        drawn = effects_rng(own, sigma / unit, ZW, known);
        us[l, 1 : levels[l], 1 : effects[l]] = drawn;
        for (i in 1 : L) {
          at += place[i] < place[l] ? levels[i] * effects[i] : 0;
        }
        own = unit * inverse(T[place[l] : last, place[l] : last]);
        drawn = drawn * own';
        u[at : at + levels[l] * effects[l] - 1] = to_vector(drawn);
      }
    }
  }
}

