# lme4, brms or rstanarm, with the same request and the same line of JSON as the others.
# brms has the case's priors; rstanarm cannot have them and keeps its own.
arguments <- commandArgs(trailingOnly = TRUE)
request <- jsonlite::fromJSON(arguments[1])
case <- jsonlite::fromJSON(file.path(request$folder, "case.json"), simplifyVector = TRUE)
started <- as.numeric(Sys.getenv("BENCHMARK_STARTED"))
elapsed <- function() as.numeric(Sys.time()) - started
options(mc.cores = request$cores)
factors <- unique(case$effects$factor)
types <- setNames(rep("character", length(factors)), factors)
frame <- read.csv(file.path(request$folder, "frame.csv"), colClasses = types)
formula <- as.formula(case$formula)
peer <- request$options$with

finish <- function(built, seconds, divergences = 0, failure = NULL) {
  told <- list(built_after = built, sampling_seconds = seconds,
               divergences = divergences, failure = failure)
  cat(jsonlite::toJSON(told, auto_unbox = TRUE, null = "null", digits = NA), "\n")
}

# Draws become a CSV file, a column for each name of the case, chain after chain. Chains
# run several at a time, so that their seconds are shared.
hand_over <- function(built, stanfit, draws) {
  colnames(draws) <- case$names
  write.csv(draws, sub("npz$", "csv", request$output), row.names = FALSE)
  sampler <- rstan::get_sampler_params(stanfit, inc_warmup = FALSE)
  diverging <- sum(sapply(sampler, function(chain) sum(chain[, "divergent__"])))
  finish(built, sum(rstan::get_elapsed_time(stanfit)) / request$cores, diverging)
}

effect <- case$effects
if (peer == "lme4") {
  built <- elapsed()
  fit <- lme4::lmer(formula, frame, REML = TRUE)
  told <- unlist(fit@optinfo$conv$lme4$messages)
  finish(built, elapsed() - built,
         failure = if (length(told)) paste(told, collapse = "; ") else NULL)
} else if (peer == "brms") {
  # The intercept's prior is at predictors equal to zero only when it is a term.
  formula <- as.formula(sub("~ ", "~ 0 + Intercept + ", case$formula))
  K <- nrow(effect)
  priors <- brms::set_prior(sprintf("normal(0, %g)", case$half_normal[K + 1]), "sigma")
  for (p in seq_along(case$terms)) {
    own <- sprintf("normal(%g, %g)", case$normal[p, 1], case$normal[p, 2])
    priors <- priors + brms::set_prior(own, class = "b", coef = case$terms[p])
  }
  for (k in seq_len(K)) {
    own <- sprintf("normal(0, %g)", case$half_normal[k])
    priors <- priors + brms::set_prior(own, class = "sd", group = effect$factor[k],
                                       coef = effect$name[k])
  }
  built <- elapsed()
  fit <- brms::brm(formula, frame, prior = priors, chains = request$chains,
                   warmup = request$warmup, iter = request$warmup + request$draws,
                   seed = request$seed, refresh = 0)
  names <- c(paste0("b_", case$terms), sprintf("sd_%s__%s", effect$factor, effect$name))
  if (case$correlated) {
    names <- c(names, sprintf("cor_%s__%s", effect$factor[1],
                              paste(effect$name, collapse = "__")))
  }
  hand_over(built, fit$fit, as.matrix(fit, variable = c(names, "sigma")))
} else {
  built <- elapsed()
  fit <- rstanarm::stan_lmer(formula, frame, chains = request$chains,
                             warmup = request$warmup,
                             iter = request$warmup + request$draws,
                             seed = request$seed, refresh = 0)
  all <- as.matrix(fit)
  label <- function(name) ifelse(name == "Intercept", "(Intercept)", name)
  Sigma <- function(k, l) {
    wanted <- sprintf("^Sigma\\[%s(\\.[0-9]+)?:%s,%s\\]$", effect$factor[k],
                      quoted(label(effect$name[k])),
                      quoted(label(effect$name[l])))
    all[, grep(wanted, colnames(all))[1]]
  }
  quoted <- function(text) gsub("([()])", "\\\\\\1", text)
  sds <- sapply(seq_len(nrow(effect)), function(k) sqrt(Sigma(k, k)))
  rho <- if (case$correlated) Sigma(2, 1) / sds[, 1] / sds[, 2]
  hand_over(built, fit$stanfit, cbind(all[, label(case$terms)], sds, rho, all[, "sigma"]))
}
