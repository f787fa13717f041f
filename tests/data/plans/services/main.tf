# Resources of many services, each twice: bare, with nothing but what must be given, and kept, as it should be in
# production. Planned by real Terraform for the tests: `python -m tests.support.terraform`.
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "mock"
  secret_key                  = "mock"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  skip_region_validation      = true
  default_tags { tags = { environment = "production" } }
}

resource "aws_kms_key" "kept" {
  enable_key_rotation = true
}

resource "aws_vpc" "kept" {
  cidr_block = "10.0.0.0/16"
}

resource "aws_flow_log" "kept" {
  vpc_id               = aws_vpc.kept.id
  traffic_type         = "ALL"
  log_destination_type = "s3"
  log_destination      = "arn:aws:s3:::acme-logs"
}

resource "aws_subnet" "kept" {
  vpc_id     = aws_vpc.kept.id
  cidr_block = "10.0.1.0/24"
}

resource "aws_security_group" "kept" {
  name   = "kept"
  vpc_id = aws_vpc.kept.id
}

resource "aws_iam_role" "kept" {
  name = "kept"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
}

resource "aws_sns_topic" "bare" { name = "bare" }

resource "aws_sns_topic" "kept" {
  name              = "kept"
  kms_master_key_id = aws_kms_key.kept.arn
}

resource "aws_sns_topic_subscription" "kept" {
  topic_arn = aws_sns_topic.kept.arn
  protocol  = "sqs"
  endpoint  = aws_sqs_queue.kept.arn
}

resource "aws_sns_topic_policy" "bare" {
  arn = aws_sns_topic.bare.arn
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = "*", Action = "sns:Publish", Resource = "*" }]
  })
}

resource "aws_sqs_queue" "bare" { name = "bare" }

resource "aws_sqs_queue" "kept" {
  name              = "kept"
  kms_master_key_id = aws_kms_key.kept.arn
  redrive_policy = jsonencode({
    deadLetterTargetArn = "arn:aws:sqs:eu-west-1:111111111111:dead", maxReceiveCount = 3
  })
}

resource "aws_sqs_queue_policy" "kept" {
  queue_url = aws_sqs_queue.kept.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow", Principal = { AWS = "arn:aws:iam::111111111111:root" }, Action = "sqs:SendMessage", Resource = "*"
    }]
  })
}

resource "aws_secretsmanager_secret" "bare" { name = "bare" }

resource "aws_secretsmanager_secret" "kept" {
  name       = "kept"
  kms_key_id = aws_kms_key.kept.arn
}

resource "aws_secretsmanager_secret_rotation" "kept" {
  secret_id           = aws_secretsmanager_secret.kept.id
  rotation_lambda_arn = aws_lambda_function.kept.arn
  rotation_rules { automatically_after_days = 30 }
}

resource "aws_dynamodb_table" "bare" {
  name         = "bare"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"
  attribute {
    name = "id"
    type = "S"
  }
}

resource "aws_dynamodb_table" "kept" {
  name                        = "kept"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "id"
  deletion_protection_enabled = true
  attribute {
    name = "id"
    type = "S"
  }
  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.kept.arn
  }
  point_in_time_recovery { enabled = true }
}

resource "aws_dax_cluster" "bare" {
  cluster_name       = "bare"
  iam_role_arn       = aws_iam_role.kept.arn
  node_type          = "dax.r5.large"
  replication_factor = 1
}

resource "aws_dax_cluster" "kept" {
  cluster_name                     = "kept"
  iam_role_arn                     = aws_iam_role.kept.arn
  node_type                        = "dax.r5.large"
  replication_factor               = 3
  cluster_endpoint_encryption_type = "TLS"
  server_side_encryption { enabled = true }
}

resource "aws_efs_file_system" "bare" {}

resource "aws_efs_file_system" "kept" {
  encrypted  = true
  kms_key_id = aws_kms_key.kept.arn
}

resource "aws_efs_backup_policy" "kept" {
  file_system_id = aws_efs_file_system.kept.id
  backup_policy { status = "ENABLED" }
}

resource "aws_redshift_cluster" "bare" {
  cluster_identifier  = "bare"
  node_type           = "ra3.xlplus"
  master_username     = "admin1"
  master_password     = "Sufficiently-long-1"
  skip_final_snapshot = true
}

resource "aws_redshift_cluster" "kept" {
  cluster_identifier                  = "kept"
  node_type                           = "ra3.xlplus"
  master_username                     = "admin1"
  manage_master_password              = true
  encrypted                           = true
  kms_key_id                          = aws_kms_key.kept.arn
  publicly_accessible                 = false
  automated_snapshot_retention_period = 35
  vpc_security_group_ids              = [aws_security_group.kept.id]
}

resource "aws_redshift_logging" "kept" {
  cluster_identifier   = aws_redshift_cluster.kept.id
  log_destination_type = "cloudwatch"
  log_exports          = ["connectionlog", "userlog"]
}

resource "aws_opensearch_domain" "bare" { domain_name = "bare" }

resource "aws_opensearch_domain" "kept" {
  domain_name = "kept"
  encrypt_at_rest {
    enabled    = true
    kms_key_id = aws_kms_key.kept.arn
  }
  node_to_node_encryption { enabled = true }
  domain_endpoint_options {
    enforce_https       = true
    tls_security_policy = "Policy-Min-TLS-1-2-2019-07"
  }
  vpc_options {
    subnet_ids         = [aws_subnet.kept.id]
    security_group_ids = [aws_security_group.kept.id]
  }
  log_publishing_options {
    log_type                 = "AUDIT_LOGS"
    cloudwatch_log_group_arn = aws_cloudwatch_log_group.kept.arn
  }
  advanced_security_options { enabled = true }
}

resource "aws_cloudwatch_log_group" "bare" { name = "bare" }

resource "aws_cloudwatch_log_group" "kept" {
  name              = "kept"
  retention_in_days = 365
  kms_key_id        = aws_kms_key.kept.arn
}

resource "aws_cloudwatch_log_metric_filter" "kept" {
  name           = "root"
  log_group_name = aws_cloudwatch_log_group.kept.name
  pattern        = "{ $.userIdentity.type = \"Root\" }"
  metric_transformation {
    name      = "root"
    namespace = "acme"
    value     = "1"
  }
}

resource "aws_cloudwatch_metric_alarm" "bare" {
  alarm_name          = "bare"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
  metric_name         = "root"
  namespace           = "acme"
  period              = 60
  statistic           = "Sum"
  threshold           = 0
}

resource "aws_cloudwatch_metric_alarm" "kept" {
  alarm_name          = "kept"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
  metric_name         = "root"
  namespace           = "acme"
  period              = 60
  statistic           = "Sum"
  threshold           = 0
  alarm_actions       = [aws_sns_topic.kept.arn]
}

resource "aws_lb" "bare" { subnets = [aws_subnet.kept.id] }

resource "aws_lb" "kept" {
  name                       = "kept"
  internal                   = true
  subnets                    = [aws_subnet.kept.id]
  security_groups            = [aws_security_group.kept.id]
  enable_deletion_protection = true
  drop_invalid_header_fields = true
  access_logs {
    bucket  = "acme-logs"
    enabled = true
  }
}

resource "aws_lb_listener" "bare" {
  load_balancer_arn = aws_lb.bare.arn
  port              = 80
  protocol          = "HTTP"
  default_action {
    type = "fixed-response"
    fixed_response { content_type = "text/plain" }
  }
}

resource "aws_lb_listener" "kept" {
  load_balancer_arn = aws_lb.kept.arn
  port              = 80
  protocol          = "HTTP"
  default_action {
    type = "redirect"
    redirect {
      protocol    = "HTTPS"
      port        = "443"
      status_code = "HTTP_301"
    }
  }
}

resource "aws_elb" "bare" {
  name    = "bare"
  subnets = [aws_subnet.kept.id]
  listener {
    instance_port     = 80
    instance_protocol = "http"
    lb_port           = 80
    lb_protocol       = "http"
  }
}

resource "aws_cloudfront_distribution" "bare" {
  enabled = true
  origin {
    domain_name = "acme-data.s3.amazonaws.com"
    origin_id   = "data"
  }
  default_cache_behavior {
    target_origin_id       = "data"
    viewer_protocol_policy = "allow-all"
    allowed_methods        = ["GET", "HEAD"]
    cached_methods         = ["GET", "HEAD"]
    cache_policy_id        = "658327ea-f89d-4fab-a63d-7e88639e58f6"
  }
  restrictions {
    geo_restriction { restriction_type = "none" }
  }
  viewer_certificate { cloudfront_default_certificate = true }
}

resource "aws_api_gateway_rest_api" "bare" { name = "bare" }

resource "aws_api_gateway_stage" "bare" {
  rest_api_id   = aws_api_gateway_rest_api.bare.id
  stage_name    = "v1"
  deployment_id = "abc"
}

resource "aws_apigatewayv2_api" "bare" {
  name          = "bare"
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_stage" "bare" {
  api_id = aws_apigatewayv2_api.bare.id
  name   = "v1"
}

resource "aws_acm_certificate" "bare" {
  domain_name       = "acme.example"
  validation_method = "DNS"
}

resource "aws_lambda_function" "bare" {
  function_name = "bare"
  role          = aws_iam_role.kept.arn
  package_type  = "Image"
  image_uri     = "111111111111.dkr.ecr.eu-west-1.amazonaws.com/x:1"
  environment { variables = { PASSWORD = "planted-value-9" } }
}

resource "aws_lambda_function" "kept" {
  function_name = "kept"
  role          = aws_iam_role.kept.arn
  package_type  = "Image"
  image_uri     = "111111111111.dkr.ecr.eu-west-1.amazonaws.com/x:1"
  kms_key_arn   = aws_kms_key.kept.arn
  vpc_config {
    subnet_ids         = [aws_subnet.kept.id]
    security_group_ids = [aws_security_group.kept.id]
  }
}

resource "aws_lambda_function_url" "bare" {
  function_name      = aws_lambda_function.bare.function_name
  authorization_type = "NONE"
  cors { allow_origins = ["*"] }
}

resource "aws_eks_cluster" "bare" {
  name     = "bare"
  role_arn = aws_iam_role.kept.arn
  vpc_config { subnet_ids = [aws_subnet.kept.id] }
}

resource "aws_eks_cluster" "kept" {
  name                      = "kept"
  role_arn                  = aws_iam_role.kept.arn
  enabled_cluster_log_types = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
  vpc_config {
    subnet_ids              = [aws_subnet.kept.id]
    endpoint_public_access  = false
    endpoint_private_access = true
  }
  encryption_config {
    resources = ["secrets"]
    provider { key_arn = aws_kms_key.kept.arn }
  }
}

resource "aws_sagemaker_notebook_instance" "bare" {
  name          = "bare"
  role_arn      = aws_iam_role.kept.arn
  instance_type = "ml.t3.medium"
}

resource "aws_sagemaker_notebook_instance" "kept" {
  name                   = "kept"
  role_arn               = aws_iam_role.kept.arn
  instance_type          = "ml.t3.medium"
  kms_key_id             = aws_kms_key.kept.arn
  direct_internet_access = "Disabled"
  root_access            = "Disabled"
  subnet_id              = aws_subnet.kept.id
  security_groups        = [aws_security_group.kept.id]
}

resource "aws_emr_cluster" "bare" {
  name          = "bare"
  release_label = "emr-7.1.0"
  service_role  = aws_iam_role.kept.arn
  master_instance_group { instance_type = "m5.xlarge" }
}

resource "aws_config_configuration_recorder" "kept" { role_arn = aws_iam_role.kept.arn }

resource "aws_config_configuration_recorder_status" "kept" {
  name       = aws_config_configuration_recorder.kept.name
  is_enabled = true
}

resource "aws_guardduty_detector" "kept" {}

resource "aws_securityhub_account" "kept" {}
