# b2auth from R, by .Call and the C of host.c. Shows what is no secret.
dyn.load(commandArgs(trailingOnly = TRUE)[1])

b2_authorize <- function(key_id = NULL, key = NULL) {
  result <- .Call("authorize", key_id, key)
  if (!is.null(result$status)) stop(structure(result, class = c("b2_error", "error", "condition")))
  structure(result, class = "b2_session")
}
# Printing shows no token.
print.b2_session <- function(x, ...) cat("<b2_session of account ", x$account_id, ">\n", sep = "")

cat("version ", .Call("version"), "\n", sep = "")
session <- b2_authorize()
cat("account ", session$account_id, "\napi ", session$api_url, "\ndownload ", session$download_url, "\n", sep = "")
cat("token ", if (nchar(session$authorization_token) > 20) "yes" else "no", "\n", sep = "")
cat("part ", format(session$part_size, scientific = FALSE), "\n", sep = "")

tryCatch(
  {
    b2_authorize(Sys.getenv("B2_APPLICATION_KEY_ID"), "K001wrong")
    stop("it is not wrong")
  },
  b2_error = function(error) {
    cat("wrong key ", error$status, " ", error$name, "\n", sep = "")
    cat("message ", conditionMessage(error), "\nhint ", error$hint, "\n", sep = "")
  }
)

json <- .Call("authorize_json", '{"fields": "action"}')
known <- grepl('"accountId":"4aa9865d6f00"', json$answer, fixed = TRUE)
cat("json ", json$status, " ", if (known) "yes" else "no", "\n", sep = "")
