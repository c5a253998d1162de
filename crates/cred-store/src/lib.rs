//! Users' Google OAuth credentials in a directory or an S3 bucket, chosen by the path
