// Goes wrong in the way that the data ask for, at every evaluation or at some.
functions {
  vector equation(vector x, real square_of_root) {
    return square(x) - square_of_root;
  }
}
data {
  int<lower=0, upper=6> fault;
}
transformed data {
  real draw = 0;
  while (fault == 6) {
    draw = normal_rng(draw, 1); // for ever
  }
}
parameters {
  vector[2] x;
  real<lower=0, upper=1> share;
}
transformed parameters {
  vector<lower=1.5>[fault == 1] bounded;
  for (i in 1 : size(bounded)) {
    bounded[i] = share; // never above 1.5
  }
}
model {
  x ~ normal(0, 1);
  if (fault == 2) {
    target += x[fault + 1]; // there is no third element
  }
  if (fault == 3) {
    reject("this is refused always, share is ", share);
  }
  if (fault == 4) {
    target += negative_infinity();
  }
  if (fault == 5) {
    if (x[1] > 0) {
      reject("this is refused above zero");
    }
  }
}
generated quantities {
  // the root of y^2 = 6.25, by KINSOL
  vector[1] root = solve_newton(equation, [1.25]', 6.25);
}
