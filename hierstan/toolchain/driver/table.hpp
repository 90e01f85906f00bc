// Every argument of every method: names, defaults, legal values, in printing order.
#pragma once

#include <vector>

#include "argument.hpp"

namespace driver {

inline std::vector<Argument> line_search_arguments() {
  return {
      real("init_alpha", 0.001, positive(), "Step length of the first line search"),
      real("tol_obj", 1e-12, positive(), "Tolerance: change of the log density"),
      real("tol_rel_obj", 1e4, positive(),
           "Tolerance: relative change of the log density, in machine epsilons"),
      real("tol_grad", 1e-8, positive(), "Tolerance: norm of the gradient"),
      real("tol_rel_grad", 1e7, positive(),
           "Tolerance: relative norm of the gradient, in machine epsilons"),
      real("tol_param", 1e-8, positive(), "Tolerance: change of the parameters"),
  };
}

inline std::vector<Argument> lbfgs_arguments() {
  std::vector<Argument> members = line_search_arguments();
  members.push_back(integer("history_size", 5, at_least(1),
                            "Past steps from which the Hessian is approximated"));
  return members;
}

inline Argument adapt_argument() {
  return group("adapt", "Adaptation during warmup", {
      logical("engaged", true, "Adapt at all?"),
      real("gamma", 0.05, positive(), "Regularization of the step size"),
      real("delta", 0.8, {0.1, 1, false, true}, "Wanted acceptance statistic"),
      real("kappa", 0.75, positive(), "Relaxation exponent of the step size"),
      real("t0", 10, positive(), "Iteration offset of the step size"),
      integer("init_buffer", 75, any_unsigned(), "Width of the first fast interval"),
      integer("term_buffer", 50, any_unsigned(), "Width of the last fast interval"),
      integer("window", 25, any_unsigned(), "Width of the first slow interval"),
      logical("save_metric", false, "Write step size and metric as JSON?"),
  });
}

inline Argument hmc_argument() {
  return group("hmc", "Hamiltonian Monte Carlo", {
      choice("engine", "nuts", "How long a trajectory is", {
          group("static", "A fixed integration time", {
              real("int_time", 6.28318530717959, positive(), "Integration time"),
          }),
          group("nuts", "The No-U-Turn Sampler", {
              integer("max_depth", 10, at_least(1), "Largest depth of the tree"),
          }),
      }),
      choice("metric", "diag_e", "Geometry of the base manifold", {
          without_heading("unit_e", "Euclidean with unit metric"),
          without_heading("diag_e", "Euclidean with diagonal metric"),
          without_heading("dense_e", "Euclidean with dense metric"),
      }),
      text("metric_file", "", "File with the inverse metric to start from"),
      real("stepsize", 1, positive(), "Step size to start from"),
      real("stepsize_jitter", 0, {0, 1}, "Uniform jitter of the step size, as a share"),
  });
}

inline Argument sample_argument() {
  return group("sample", "Bayesian inference by Markov chain Monte Carlo", {
      integer("num_samples", 1000, at_least(0), "Sampling iterations"),
      integer("num_warmup", 1000, at_least(0), "Warmup iterations"),
      logical("save_warmup", false, "Write warmup iterations too?"),
      integer("thin", 1, at_least(1), "Period between written iterations"),
      adapt_argument(),
      choice("algorithm", "hmc", "Sampling algorithm", {
          hmc_argument(),
          without_heading("fixed_param", "Keep the parameters; run generated quantities"),
      }),
      integer("num_chains", 1, at_least(1), "Chains run in this process"),
  });
}

inline Argument optimize_argument() {
  return group("optimize", "Posterior mode or maximum likelihood estimate", {
      choice("algorithm", "lbfgs", "Optimization algorithm", {
          group("bfgs", "Quasi-Newton with line search", line_search_arguments()),
          group("lbfgs", "Limited-memory quasi-Newton", lbfgs_arguments()),
          group("newton", "Newton's method", {}),
      }),
      logical("jacobian", false, "Optimize on the unconstrained scale?"),
      integer("iter", 2000, at_least(1), "Most iterations"),
      logical("save_iterations", false, "Write every iteration?"),
  });
}

inline Argument variational_argument() {
  return group("variational", "Automatic differentiation variational inference", {
      choice("algorithm", "meanfield", "Family of the approximation", {
          group("meanfield", "Independent normals", {}),
          group("fullrank", "One multivariate normal", {}),
      }),
      integer("iter", 10000, at_least(1), "Most iterations"),
      integer("grad_samples", 1, at_least(1), "Monte Carlo draws for gradients"),
      integer("elbo_samples", 100, at_least(1), "Monte Carlo draws for the ELBO"),
      real("eta", 1, positive(), "Step size scale"),
      group("adapt", "Adaptation of eta", {
          logical("engaged", true, "Adapt at all?"),
          integer("iter", 50, at_least(1), "Iterations per candidate"),
      }),
      real("tol_rel_obj", 0.01, positive(), "Relative tolerance of the ELBO"),
      integer("eval_elbo", 100, at_least(1), "Iterations between two ELBO evaluations"),
      integer("output_samples", 1000, at_least(1), "Draws from the approximation"),
  });
}

inline Argument pathfinder_argument() {
  std::vector<Argument> members = lbfgs_arguments();
  for (const Argument& member : std::vector<Argument>{
      integer("num_psis_draws", 1000, at_least(1), "Draws kept by importance resampling"),
      integer("num_paths", 4, at_least(1), "Independent paths"),
      logical("save_single_paths", false, "Write a file per path?"),
      logical("psis_resample", true, "Resample by Pareto smoothed importance weights?"),
      logical("calculate_lp", true, "Evaluate the log density of each draw?"),
      integer("max_lbfgs_iters", 1000, at_least(1), "Most iterations of a path"),
      integer("num_draws", 1000, at_least(1), "Approximate draws of a path"),
      integer("num_elbo_draws", 25, at_least(1), "Monte Carlo draws for the ELBO"),
  })
    members.push_back(member);
  return group("pathfinder", "Pathfinder variational approximation", members);
}

inline std::vector<Argument> other_method_arguments() {
  return {
      group("diagnose", "Gradient check", {
          choice("test", "gradient", "What to test", {
              group("gradient", "Gradient against finite differences", {
                  real("epsilon", 1e-6, positive(), "Step of the finite differences"),
                  real("error", 1e-6, positive(), "Largest difference that passes"),
              }),
          }),
      }),
      group("generate_quantities", "Generated quantities of fitted draws", {
          text("fitted_params", "", "CSV file with the draws"),
          integer("num_chains", 1, at_least(1), "Files of draws"),
      }),
      pathfinder_argument(),
      group("log_prob", "Log density and gradient at given points", {
          text("unconstrained_params", "", "JSON or R file with params_r"),
          text("constrained_params", "", "JSON, R or CSV file with parameter values"),
          logical("jacobian", true, "Add the log Jacobian of the transforms?"),
      }),
      group("laplace", "Laplace approximation around a mode", {
          text("mode", "", "CSV file of an optimization, or JSON"),
          logical("jacobian", true, "Approximate on the unconstrained scale?"),
          integer("draws", 1000, at_least(0), "Draws from the approximation"),
          logical("calculate_lp", true, "Evaluate the log density of each draw?"),
      }),
  };
}

// Arguments of a program whose threaded build would use `threads` threads by default.
inline Argument make_arguments(int threads, bool threaded) {
  std::vector<Argument> methods{sample_argument(), optimize_argument(),
                                variational_argument()};
  for (const Argument& method : other_method_arguments()) methods.push_back(method);
  const double most_threads = threaded ? INT_MAX : 1;
  return group("", "Run a Stan program", {
      choice("method", "sample", "What to do", methods),
      integer("id", 1, any_unsigned(), "Number of the (first) chain or path"),
      group("data", "Input data", {
          text("file", "", "JSON or R file with the data"),
      }),
      text("init", "2", "Radius of random initial values, or a file with values"),
      group("random", "Random number generator", {
          integer("seed", -1, {-1, UINT_MAX}, "Seed; -1 takes one from the clock"),
      }),
      group("output", "Output files", {
          text("file", "output.csv", "CSV file of the draws"),
          text("diagnostic_file", "", "Second file with the method's own diagnostics"),
          integer("refresh", 100, at_least(0), "Iterations between progress lines; 0: none"),
          integer("sig_figs", -1, {-1, 18}, "Significant digits; -1: the default, 6"),
          text("profile_file", "profile.csv", "CSV file of profile blocks"),
          logical("save_cmdstan_config", false, "Write these settings as JSON?"),
      }),
      integer("num_threads", threads, {threaded ? -1.0 : 1.0, most_threads},
              "Threads of this process; -1: all cores"),
  });
}

}  // namespace driver
