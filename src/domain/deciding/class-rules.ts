import type { ChangeClass, Traits } from './class.js';

export interface ClassRule {
  readonly class: ChangeClass;
  readonly because: string;
  readonly holds: (traits: Traits) => boolean;
}

interface Row {
  readonly class: ChangeClass;
  readonly because: string;
  readonly type?: RegExp;
  /** The name within the type. */
  readonly name?: RegExp;
  readonly path?: RegExp;
  readonly values?: RegExp;
  /** Narrower than patterns can say. */
  readonly also?: (traits: Traits) => boolean;
}

/** Whole words as segments of a path, with anything below them. */
function at(words: string): RegExp {
  return new RegExp(`(?:^|/)(?:${words})(?:/|$)`, 'u');
}

/** A word within the names of the path, whatever stands around it. */
function about(words: string): RegExp {
  return new RegExp(`(?:^|[/_.])(?:${words})(?:[/_.]|$)`, 'u');
}

function types(words: string): RegExp {
  return new RegExp(`^(?:${words})$`, 'u');
}

const KIND = /^[A-Z]/u;
const NETWORK = types('aws_(?:default_|vpc_)?security_group(?:_.*)?|aws_(?:default_)?network_acl.*|aws_(?:default_)?route(?:_.*)?|aws_internet_gateway|aws_vpc_peering.*|aws_s3_bucket_public_access_block|aws_s3_bucket_acl|google_compute_firewall.*|azurerm_network_security_.*|azurerm_.*firewall.*|azurerm_public_ip.*|aws_ami_launch_permission|aws_snapshot_create_volume_permission|Ingress|IngressRoute|NetworkPolicy|CiliumNetworkPolicy|Gateway|HTTPRoute|hba|.*/securityGroup:.*|.*SecurityGroup');
const POWER = types('aws_iam_(?!access_key).*|.*_iam_(?:binding|member|policy).*|aws_s3_bucket_policy|aws_kms_(?:grant|key_policy)|aws_(?:sqs_queue|sns_topic|ecr_repository|ecr_registry|lambda|backup_vault|efs_file_system|opensearch_domain|organizations)_(?:policy|permission).*|google_.*_iam_.*|google_service_account|azurerm_role_.*|azurerm_key_vault_access_policy|azuread_.*|Role|ClusterRole|RoleBinding|ClusterRoleBinding|ServiceAccount|PodSecurityPolicy|(?:Mutating|Validating)WebhookConfiguration|role|user|grant|membership|privilege|default_privileges|policy|aws:iam/.*');
const SECRETS = types('Secret|SealedSecret|ExternalSecret|Certificate|Issuer|ClusterIssuer|aws_iam_access_key|aws_secretsmanager_.*|aws_ssm_parameter|aws_kms_.*|aws_acm_.*|aws_key_pair|google_service_account_key|google_secret_manager_.*|azurerm_key_vault(?:_(?!access_policy).*)?|azuread_.*_(?:password|certificate)|tls_.*|vault_.*|user_mapping');
const KEPT = types('aws_(?:s3_bucket|db_|rds_|dynamodb_|ebs_|efs_|elasticache_|redshift_|backup_|opensearch_).*|aws_cloudtrail.*|aws_cloudwatch_log_group|google_(?:logging|sql|storage|bigquery|spanner)_.*|azurerm_(?:.*sql.*|storage_.*|cosmosdb_.*|monitor_diagnostic_setting|log_analytics_.*)|PersistentVolume|PersistentVolumeClaim|VolumeSnapshot|StorageClass|database|schema|table|column|constraint|index|sequence|view|materialized_view|trigger|function|publication|subscription|extension|tablespace');
const RUNNING = types('Deployment|StatefulSet|DaemonSet|ReplicaSet|Pod|Job|CronJob|Service|Node|HorizontalPodAutoscaler|PodDisruptionBudget|PriorityClass|ResourceQuota|LimitRange|aws_(?:instance|autoscaling_.*|launch_.*|ecs_.*|eks_.*|lambda_.*|lb|lb_.*|alb.*|elb.*|nat_gateway|eip.*|subnet|vpc)|google_compute_instance.*|google_container_.*|azurerm_.*virtual_machine.*|azurerm_kubernetes_cluster.*');
const NAMES = types('aws_route53_record|google_dns_record_set|azurerm_(?:private_)?dns_.*_record|cloudflare_(?:dns_)?record|DNSEndpoint');
const SETTINGS_FILE = /\.(?:ya?ml|json5?|toml|ini|conf|cfg|cnf|env|properties|xml|hcl|service|timer|socket)$|(?:^|\/)\.?env$|(?:^|\/)(?:etc|conf(?:ig)?|conf\.d|\.config)\//u;

/**
 * The table: the first row that holds says the class, and `configuration` where none does. Noise and
 * metadata are narrow, since what they hide is looked at least; a word of a path says more than a type.
 */
const ROWS: readonly Row[] = [
  { class: 'noise', because: 'the cluster writes it', type: KIND, path: /^\/(?:status(?:\/|$)|metadata\/(?:resource_version|generation|uid|managed_fields|creation_timestamp|self_link)(?:\/|$))/u },
  { class: 'noise', because: 'tools of the cluster keep it for themselves', type: KIND, path: /^\/metadata\/annotations\/(?:kubectl\.kubernetes\.io~1(?:last_applied_configuration|restarted_at)|deployment\.kubernetes\.io~1revision|meta\.helm\.sh~1.*)$/u },
  { class: 'noise', because: 'a point in time that something writes', path: /\/(?:last_(?:modified|updated?|update_time|accessed|seen|changed|transition_time|heartbeat_time)(?:_(?:date|at|time))?|updated?_at|modified_at|update_time|generated_at|(?:build_)?timestamp|build_(?:time|date|number))$/u, also: isWritten },
  { class: 'noise', because: 'an autoscaler owns the number', path: /\/(?:replicas|desired_capacity|desired_count|node_count)$/u, also: (traits) => isUpdate(traits) && /autoscal|\bhpa\b|karpenter|\bkeda\b/iu.test(traits.change.by ?? '') },

  { class: 'exposure', because: 'an annotation that says who can reach it', type: KIND, path: /\/annotations\/[^/]*(?:load_balancer|ingress\.kubernetes\.io|whitelist|allowlist|source_range|external_dns|traefik|kubernetes\.io~1ingress|istio\.io|linkerd\.io)/u },
  { class: 'privilege', because: 'a label or annotation that says what may run', type: KIND, path: /\/(?:labels|annotations)\/[^/]*(?:pod_security|apparmor|seccomp|iam\.amazonaws\.com|role_arn|iam\.gke\.io|workload\.identity)/u },
  { class: 'configuration', because: 'what selects by labels follows them', type: KIND, path: /^\/spec\/(?:template\/metadata\/labels|selector)(?:\/|$)/u },
  { class: 'configuration', because: 'what selects by labels follows them', type: types('Namespace|Node|Pod'), path: /^\/metadata\/labels(?:\/|$)/u },
  { class: 'metadata', because: 'it only describes', path: /^\/(?:tags(?:_all)?|labels|annotations|metadata\/(?:labels|annotations|name)|description|comment|display_name|notes?|title)(?:\/|$)|^@comment$|\/(?:description|comment)$/u, also: ({ change }) => !change.sensitive },

  { class: 'privilege', because: 'who may read, write and run the file', path: /^@(?:mode|owner|acl|capabilities|xattr)/u },
  { class: 'privilege', because: 'a file that says who may act as whom', type: types('file'), name: /(?:^|\/)(?:sudoers|sudoers\.d\/.*|doas\.conf|passwd|group|pam\.d\/.*|polkit-1\/.*|security\/access\.conf|apparmor\.d\/.*|selinux\/.*)$/u },
  { class: 'exposure', because: 'a file that says who may connect', type: types('file'), name: /(?:^|\/)(?:pg_hba\.conf|hosts\.(?:allow|deny)|iptables.*|nftables.*|ufw\/.*|firewalld\/.*|sshd_config(?:\.d\/.*)?)$/u },
  { class: 'identity', because: 'a file of keys or secrets', type: types('file'), name: /(?:^|\/)(?:authorized_keys|known_hosts|g?shadow|id_[a-z0-9]+(?:\.pub)?|ssh_host_[a-z0-9]+_key(?:\.pub)?|\.?htpasswd|\.netrc|\.pgpass)$|\.(?:pem|key|crt|cer|p12|pfx|jks|asc|gpg|keytab)$/u },
  { class: 'exposure', because: 'everybody, or nobody in particular', values: /(?<![\d.])0\.0\.0\.0(?:\/0)?(?![\d.])|(?<![\da-f:])::\/0(?!\d)|"::"|^:: | ::$/u },
  { class: 'exposure', because: 'who can reach it', path: at('cidr_blocks|ipv6_cidr_blocks|cidr_ipv[46]|cidr|source_ranges|load_balancer_source_ranges|allowed_(?:cidrs?|ips?|origins?|hosts?|networks?)|(?:master_)?authorized_(?:networks?|ip_ranges)(?:_config)?|network_(?:rules|acls)|ip_rules|authorization_type|ipv4_enabled|allow_[a-z_]*public[a-z_]*|allowlist|whitelist|ingress|egress|inbound|outbound|host_network|host_ports?|node_port|external_ips?|external_name|external_traffic_policy|publicly_accessible|endpoint_public_access|associate_public_ip_address|map_public_ip_on_launch|assign_public_ip|assign_ipv6_address_on_creation|public(?:_access.*|_ip.*|_network.*)?|block_public_.*|ignore_public_acls|restrict_public_buckets|acl|listen(?:_addr(?:ess(?:es)?)?|_host)?|bind(?:_addr(?:ess)?|_host)?|cors|trusted_proxies|firewall|expose|internal|scheme') },
  { class: 'exposure', because: 'how a service is reached', type: types('Service'), path: /^\/spec\/(?:type|ports|cluster_ip)(?:\/|$)/u },
  { class: 'exposure', because: 'how a service is reached', type: types('aws_a?lb_listener|google_compute_(?:global_)?forwarding_rule'), path: /^\/(?:port|ports|port_range|protocol|ip_protocol)(?:\/|$)/u },
  { class: 'privilege', because: 'what it may do', path: at('privileged|allow_privilege_escalation|run_as_.*|capabilities|security_context|host_(?:pid|ipc|path)|share_process_namespace|security_definer|service_account(?:_name)?|automount_service_account_token|assume_role_policy|policy|policy_arn|inline_policy|managed_policy_arns|iam_.*|role_arn|principals?|(?:[a-z]+_)?permissions?|row_(?:level_)?security|force_row_security|grants?|privileges?|superuser|createrole|createdb|bypassrls|canlogin|login|inherit|member_of|memberships?|admins?|sudo|owner|sts_.*|role_ref|subjects|rules') , also: ({ type }) => !NETWORK.test(type) },
  { class: 'identity', because: 'a secret', also: ({ change }) => change.sensitive },
  { class: 'identity', because: 'how somebody is recognised', path: about('password|passwd|secret|secrets|token|tokens|api_key|apikey|private_key|public_key|access_key|credentials?|certificate|certificates|cert|certs|ca_bundle|tls|ssl|mfa|auth|authentication|authorization|oidc|jwt|kms_key_id|issuer|trust') },
  { class: 'data', because: 'how what is kept is kept', path: about('backup|backups|retention|versioning|encrypt|encrypted|encryption|deletion_protection|force_destroy|skip_final_snapshot|final_snapshot|snapshot|snapshots|lifecycle_rule|volume_claim_templates|volume_size|allocated_storage|storage|fsync|full_page_writes|wal_level|archive_mode|archive_command|synchronous_commit|reclaim_policy|object_lock|prevent_destroy|data_directory') },
  { class: 'availability', because: 'whether it runs, and how much it can take', path: about('replicas|desired_capacity|desired_count|desired_size|min_size|max_size|min_replicas|max_replicas|min_available|max_unavailable|max_surge|instance_type|instance_class|machine_type|resources|cpu|memory|limits?|requests|liveness|readiness|startup|probe|probes|health_check|healthcheck|timeout|timeouts|strategy|multi_az|availability_zones?|autoscaling|workers?|threads|concurrency|concurrent|pool_size|node_count|max_connections|shared_buffers|work_mem|connections|termination_grace_period_seconds|node_selector|tolerations|taints|unschedulable|affinity|topology_spread_constraints|rate_limit|quota|capacity|paused|suspend|enabled_metrics|schedule') },

  { class: 'exposure', because: 'a thing that says who can reach what', type: NETWORK },
  { class: 'identity', because: 'a thing that holds keys or secrets', type: SECRETS },
  { class: 'privilege', because: 'a thing that says who may do what', type: POWER },
  { class: 'data', because: 'a thing that keeps data', type: KEPT },
  { class: 'availability', because: 'how large a thing that runs is', type: RUNNING, path: /^\/(?:size|vm_size|sku|sku_name)(?:\/|$)/u },
  { class: 'availability', because: 'how much of a cluster others may take', type: types('ResourceQuota|LimitRange|PriorityClass'), path: /^\/(?:spec|value|preemption_policy)(?:\/|$)/u },
  { class: 'availability', because: 'where it is found', type: NAMES },
  { class: 'availability', because: 'a thing that runs, as a whole', type: RUNNING, also: ({ change }) => change.path === '' || change.effect === 'replace' || change.effect === 'delete' },
  { class: 'content', because: 'a file that is no configuration', type: types('file'), path: /^(?:@content|@type|)$/u, also: ({ name }) => !SETTINGS_FILE.test(name) },
];

export const CLASS_RULES: readonly ClassRule[] = ROWS.map((row) => ({ class: row.class, because: row.because, holds: (traits) => holds(row, traits) }));

function holds({ type, name, path, values, also }: Row, traits: Traits): boolean {
  return (path?.test(traits.path) ?? true) && (type?.test(traits.type) ?? true) && (name?.test(traits.name) ?? true) && (values?.test(traits.values) ?? true) && (also?.(traits) ?? true);
}

/** An hour of the day, a schedule or a switch is what somebody wants, whatever its name. */
function isWritten(traits: Traits): boolean {
  const { desired, actual } = traits.change;
  return isUpdate(traits) && ![desired, actual].some((value) => typeof value === 'boolean' || (typeof value === 'string' && /^\d{1,2}:\d{2}|\*/u.test(value)));
}

/** What is only there, or only gone, is more than noise. */
function isUpdate({ change }: Traits): boolean {
  return change.kind === 'changed' && change.effect === 'update';
}
