import { describe, expect, it } from 'vitest';
import type { Difference } from '../../../src/domain/change.js';
import { CLASSES, classOf, typeOf, type ChangeClass } from '../../../src/domain/deciding/class.js';
import { CLASS_RULES } from '../../../src/domain/deciding/class-rules.js';
import { difference } from '../build.js';

describe('typeOf', () => {
  it.each<{ provider: string; resource: string; type: string; reason: string }>([
    { provider: 'files', resource: 'etc/app.yaml', type: 'file', reason: 'a file is a file' },
    { provider: 'files', resource: 'role:reporting', type: 'file', reason: 'whatever it is called' },
    { provider: 'opentofu', resource: 'aws_security_group.web', type: 'aws_security_group', reason: 'type and name' },
    { provider: 'opentofu', resource: 'aws_instance.web[0]', type: 'aws_instance', reason: 'one of many' },
    { provider: 'opentofu', resource: 'module.net.aws_security_group.web', type: 'aws_security_group', reason: 'in a module' },
    { provider: 'opentofu', resource: 'module.net["a.b_c.d"].module.inner[1].aws_iam_role.this["x]y"]', type: 'aws_iam_role', reason: 'keys of modules may hold anything' },
    { provider: 'opentofu', resource: 'data.aws_ami.latest', type: 'aws_ami', reason: 'a data source' },
    { provider: 'opentofu', resource: 'terraform_data.x', type: 'terraform_data', reason: 'a built-in one' },
    { provider: 'kubernetes', resource: 'Deployment/shop/api', type: 'Deployment', reason: 'kind, namespace, name' },
    { provider: 'kubernetes', resource: 'ClusterRole/admin', type: 'ClusterRole', reason: 'a kind without a namespace' },
    { provider: 'kubernetes', resource: 'apps/v1/Deployment/shop/api', type: 'Deployment', reason: 'with its group and version' },
    { provider: 'postgres', resource: 'role:reporting', type: 'role', reason: 'prefix and name' },
    { provider: 'postgres', resource: 'table:public.orders', type: 'table', reason: 'a name with a dot' },
    { provider: 'pulumi', resource: 'urn:pulumi:prod::shop::aws:ec2/securityGroup:SecurityGroup::web', type: 'aws:ec2/securityGroup:SecurityGroup', reason: 'a URN' },
    { provider: 'pulumi', resource: 'urn:pulumi:prod::shop::my:component$aws:iam/role:Role::r', type: 'aws:iam/role:Role', reason: 'parents are left out' },
    { provider: 'exec', resource: 'whatever it says', type: 'resource', reason: 'the name says nothing' },
    { provider: 'exec', resource: '', type: 'resource', reason: 'no name at all' },
  ])('$resource is $type: $reason', ({ provider, resource, type }) => {
    expect(typeOf({ resource }, provider)).toBe(type);
  });

  it('believes the provider first', () => {
    expect(typeOf({ resource: 'etc/app.yaml', type: 'unit' }, 'files')).toBe('unit');
  });
});

interface Row extends Partial<Difference> {
  readonly as: ChangeClass;
  readonly provider?: string;
  readonly reason: string;
}

describe('classOf', () => {
  it.each<Row>([
    { as: 'configuration', path: '/port', reason: 'a field of a configuration' },
    { as: 'configuration', resource: 'etc/app.yaml', path: '@content', reason: 'a configuration that cannot be compared by fields' },
    { as: 'content', resource: 'templates/index.html', path: '@content', reason: 'what it serves' },
    { as: 'content', resource: 'bin/warm-up', path: '', kind: 'missing', effect: 'create', reason: 'a program that is gone' },
    { as: 'privilege', resource: 'bin/warm-up', path: '@mode', desired: '0755', actual: '0777', reason: 'everybody may write it now' },
    { as: 'privilege', path: '@owner', reason: 'somebody else may write it' },
    { as: 'privilege', resource: 'etc/sudoers', path: '@content', reason: 'who may act as root' },
    { as: 'identity', resource: 'home/.ssh/authorized_keys', path: '@content', reason: 'who may log in' },
    { as: 'identity', resource: 'tls/server.key', path: '', kind: 'unmanaged', effect: 'delete', reason: 'a key that nobody asked for' },
    { as: 'identity', path: '/database/url', sensitive: true, reason: 'a secret by what the provider says' },
    { as: 'exposure', path: '/server/host', desired: '127.0.0.1', actual: '0.0.0.0', reason: 'it listens to everybody now' },
    { as: 'exposure', resource: 'postgres/pg_hba.conf', path: '@content', reason: 'who may connect' },
    { as: 'configuration', path: '/version', desired: '10.0.0.0', actual: '10.0.0.01', reason: 'four numbers are not yet everybody' },
    { as: 'availability', resource: 'etc/limits.json', path: '/workers', reason: 'how much it can take' },
    { as: 'noise', path: '/generatedAt', reason: 'a time stamp' },
    { as: 'configuration', path: '/generatedAt', kind: 'missing', effect: 'create', reason: 'a whole thing that is gone is more than noise' },
    { as: 'metadata', path: '/description', reason: 'it says what it is' },

    { as: 'exposure', provider: 'opentofu', resource: 'aws_security_group.web', path: '/ingress/0/cidr_blocks', desired: ['10.0.0.0/8'], actual: ['0.0.0.0/0'], reason: 'open to everybody' },
    { as: 'exposure', provider: 'opentofu', resource: 'aws_security_group.web', path: '/revoke_rules_on_delete', reason: 'anything of a firewall' },
    { as: 'metadata', provider: 'opentofu', resource: 'aws_security_group.web', path: '/tags/Owner', reason: 'but not its tags' },
    { as: 'exposure', provider: 'opentofu', resource: 'aws_db_instance.main', path: '/publicly_accessible', reason: 'a database in the open' },
    { as: 'data', provider: 'opentofu', resource: 'aws_db_instance.main', path: '/backup_retention_period', reason: 'how long there is a way back' },
    { as: 'data', provider: 'opentofu', resource: 'aws_db_instance.main', path: '/deletion_protection', reason: 'what keeps it from being lost' },
    { as: 'availability', provider: 'opentofu', resource: 'aws_db_instance.main', path: '/instance_class', reason: 'how much it can take' },
    { as: 'privilege', provider: 'opentofu', resource: 'aws_iam_role.deploy', path: '/assume_role_policy', reason: 'who may become it' },
    { as: 'privilege', provider: 'opentofu', resource: 'aws_iam_role.deploy', path: '/max_session_duration', reason: 'anything of a role' },
    { as: 'identity', provider: 'opentofu', resource: 'aws_iam_access_key.ci', path: '', kind: 'unmanaged', effect: 'delete', reason: 'a key is who, not what' },
    { as: 'data', provider: 'opentofu', resource: 'aws_s3_bucket.logs', path: '', kind: 'missing', effect: 'create', reason: 'a bucket' },
    { as: 'exposure', provider: 'opentofu', resource: 'aws_s3_bucket_public_access_block.logs', path: '/block_public_acls', reason: 'a bucket in the open' },
    { as: 'availability', provider: 'opentofu', resource: 'aws_autoscaling_group.web', path: '/min_size', reason: 'how many there are at least' },
    { as: 'noise', provider: 'opentofu', resource: 'aws_autoscaling_group.web', path: '/desired_capacity', by: 'autoscaling.amazonaws.com', reason: 'an autoscaler sets it' },
    { as: 'availability', provider: 'opentofu', resource: 'aws_autoscaling_group.web', path: '/desired_capacity', by: 'alice', reason: 'a person set it' },
    { as: 'availability', provider: 'opentofu', resource: 'aws_instance.web', path: '', kind: 'missing', effect: 'create', reason: 'a machine that is gone' },
    { as: 'configuration', provider: 'opentofu', resource: 'aws_instance.web', path: '/user_data', reason: 'what a machine does' },

    { as: 'configuration', provider: 'kubernetes', resource: 'Deployment/shop/api', path: '/spec/template/spec/containers/0/image', reason: 'another program' },
    { as: 'availability', provider: 'kubernetes', resource: 'Deployment/shop/api', path: '/spec/replicas', by: 'kubectl-scale', reason: 'a person scaled it' },
    { as: 'noise', provider: 'kubernetes', resource: 'Deployment/shop/api', path: '/spec/replicas', by: 'horizontal-pod-autoscaler', reason: 'the autoscaler scaled it' },
    { as: 'privilege', provider: 'kubernetes', resource: 'Deployment/shop/api', path: '/spec/template/spec/containers/0/securityContext/privileged', reason: 'root on the machine' },
    { as: 'exposure', provider: 'kubernetes', resource: 'Deployment/shop/api', path: '/spec/template/spec/hostNetwork', reason: 'the network of the machine' },
    { as: 'availability', provider: 'kubernetes', resource: 'Deployment/shop/api', path: '/spec/template/spec/containers/0/resources/limits/memory', reason: 'how much it can take' },
    { as: 'availability', provider: 'kubernetes', resource: 'Deployment/shop/api', path: '', kind: 'missing', effect: 'create', reason: 'it does not run' },
    { as: 'exposure', provider: 'kubernetes', resource: 'Service/shop/api', path: '/spec/type', desired: 'ClusterIP', actual: 'LoadBalancer', reason: 'reached from outside' },
    { as: 'exposure', provider: 'kubernetes', resource: 'Service/shop/api', path: '/metadata/annotations/service.beta.kubernetes.io~1aws-load-balancer-internal', reason: 'an annotation that acts' },
    { as: 'privilege', provider: 'kubernetes', resource: 'Namespace/shop', path: '/metadata/labels/pod-security.kubernetes.io~1enforce', reason: 'a label that acts' },
    { as: 'metadata', provider: 'kubernetes', resource: 'Deployment/shop/api', path: '/metadata/labels/team', reason: 'a label that only says' },
    { as: 'noise', provider: 'kubernetes', resource: 'Deployment/shop/api', path: '/metadata/annotations/deployment.kubernetes.io~1revision', reason: 'the controller counts' },
    { as: 'noise', provider: 'kubernetes', resource: 'Deployment/shop/api', path: '/status/readyReplicas', reason: 'how it is, not how it should be' },
    { as: 'exposure', provider: 'kubernetes', resource: 'NetworkPolicy/shop/deny', path: '', kind: 'missing', effect: 'create', reason: 'a wall that is gone' },
    { as: 'exposure', provider: 'kubernetes', resource: 'Ingress/shop/web', path: '/spec/rules/0/host', reason: 'rules of a door are no rules of power' },
    { as: 'privilege', provider: 'kubernetes', resource: 'ClusterRole/admin', path: '/rules', reason: 'who may do what' },
    { as: 'privilege', provider: 'kubernetes', resource: 'RoleBinding/shop/ops', path: '/subjects', reason: 'who may' },
    { as: 'identity', provider: 'kubernetes', resource: 'Secret/shop/db', path: '/data/password', sensitive: true, reason: 'a secret' },
    { as: 'data', provider: 'kubernetes', resource: 'PersistentVolumeClaim/shop/data', path: '/spec/resources/requests/storage', reason: 'a disk' },

    { as: 'privilege', provider: 'postgres', resource: 'role:reporting', path: '/superuser', reason: 'may do everything' },
    { as: 'privilege', provider: 'postgres', resource: 'grant:reporting', path: '', kind: 'unmanaged', effect: 'delete', reason: 'a grant that nobody asked for' },
    { as: 'identity', provider: 'postgres', resource: 'role:reporting', path: '/password', sensitive: true, reason: 'a password' },
    { as: 'exposure', provider: 'postgres', resource: 'setting:listen_addresses', path: '/value', desired: 'localhost', actual: '*', reason: 'the name of a setting counts' },
    { as: 'availability', provider: 'postgres', resource: 'setting:max_connections', path: '/value', reason: 'how much it can take' },
    { as: 'data', provider: 'postgres', resource: 'setting:fsync', path: '/value', reason: 'whether what is written stays' },
    { as: 'configuration', provider: 'postgres', resource: 'setting:application_name', path: '/value', reason: 'how it behaves' },
    { as: 'data', provider: 'postgres', resource: 'table:public.orders', path: '', kind: 'missing', effect: 'create', reason: 'a table' },
    { as: 'metadata', provider: 'postgres', resource: 'table:public.orders', path: '@comment', reason: 'but not what is said of it' },
    { as: 'configuration', provider: 'exec', resource: 'anything', path: '/x', reason: 'nothing is known of it' },
  ])('$as: $resource $path, $reason', ({ as, provider = 'files', reason: _, ...of }) => {
    expect(classOf(difference(of), provider)).toBe(as);
  });

  it('takes no secret for anything lower than a secret, whatever surrounds it', () => {
    for (const path of ['/anything', '/tags/Owner', '/description']) expect(CLASSES.indexOf(classOf(difference({ path, sensitive: true }), 'files'))).toBeLessThanOrEqual(CLASSES.indexOf('identity'));
  });

  it('says why, in every row', () => {
    expect(CLASS_RULES.every((rule) => rule.because.length > 5)).toBe(true);
  });
});

/** As engines write them: class, provider, resource, path, why, and what else is known. */
type Written = readonly [as: ChangeClass, provider: string, resource: string, path: string, reason: string, more?: Partial<Difference>];
const STRAY = { kind: 'unmanaged', effect: 'delete' } as const;
const GONE = { kind: 'missing', effect: 'create' } as const;

const WRITTEN: readonly Written[] = [
  ['exposure', 'opentofu', 'aws_lambda_function_url.hook', '/authorization_type', 'anybody may call it', { desired: 'AWS_IAM', actual: 'NONE' }],
  ['exposure', 'opentofu', 'aws_subnet.a', '/map_public_ip_on_launch', 'whatever starts there is reached from outside', { desired: false, actual: true }],
  ['exposure', 'opentofu', 'aws_ecs_service.api', '/network_configuration/0/assign_public_ip', 'so is a task', { desired: false, actual: true }],
  ['exposure', 'opentofu', 'aws_lb_listener.web', '/protocol', 'in the clear', { desired: 'HTTPS', actual: 'HTTP' }],
  ['exposure', 'opentofu', 'aws_ami_launch_permission.shared', '', 'an image that others may start', STRAY],
  ['exposure', 'opentofu', 'aws_eks_cluster.main', '/vpc_config/0/public_access_cidrs', 'who reaches the control plane'],
  ['exposure', 'opentofu', 'google_sql_database_instance.main', '/settings/0/ip_configuration/0/authorized_networks/0/value', 'who reaches the database'],
  ['exposure', 'opentofu', 'google_sql_database_instance.main', '/settings/0/ip_configuration/0/ipv4_enabled', 'it has a public address'],
  ['exposure', 'opentofu', 'google_storage_bucket.logs', '/public_access_prevention', 'a bucket in the open'],
  ['exposure', 'opentofu', 'azurerm_storage_account.logs', '/allow_nested_items_to_be_public', 'and another'],
  ['exposure', 'opentofu', 'azurerm_storage_account.logs', '/network_rules/0/default_action', 'allowed unless denied'],
  ['exposure', 'opentofu', 'azurerm_network_security_rule.ssh', '/source_address_prefix', 'from anywhere', { desired: '10.0.0.0/8', actual: '*' }],
  ['exposure', 'opentofu', 'azurerm_public_ip.web', '', 'an address that nobody asked for', STRAY],
  ['privilege', 'opentofu', 'aws_organizations_policy.scp', '/content', 'what every account may do'],
  ['privilege', 'opentofu', 'aws_sqs_queue_policy.q', '', 'who may use the queue', GONE],
  ['privilege', 'opentofu', 'aws_sns_topic_policy.t', '', 'who may use the topic', STRAY],
  ['privilege', 'opentofu', 'google_project_iam_custom_role.r', '', 'a role', STRAY],
  ['privilege', 'opentofu', 'azuread_group_member.x', '', 'one more in a group', STRAY],
  ['privilege', 'opentofu', 'azurerm_key_vault_access_policy.app', '/secret_permissions', 'what it may do with secrets'],
  ['privilege', 'opentofu', 'azurerm_key_vault_access_policy.app', '', 'that it may do anything', STRAY],
  ['identity', 'opentofu', 'azuread_application_password.ci', '', 'a password', STRAY],
  ['identity', 'opentofu', 'google_service_account_key.ci', '', 'a key', STRAY],
  ['identity', 'opentofu', 'azurerm_key_vault.main', '', 'where the keys are', GONE],
  ['data', 'opentofu', 'aws_cloudtrail.main', '/enable_logging', 'the record of who did what', { desired: true, actual: false }],
  ['data', 'opentofu', 'aws_cloudwatch_log_group.app', '/retention_in_days', 'how long logs are kept'],
  ['data', 'opentofu', 'aws_dynamodb_table.orders', '/point_in_time_recovery/0/enabled', 'whether there is a way back'],
  ['availability', 'opentofu', 'aws_lambda_function.hook', '/reserved_concurrent_executions', 'none may run', { desired: 100, actual: 0 }],
  ['availability', 'opentofu', 'google_container_node_pool.main', '/node_count', 'how many machines there are'],
  ['availability', 'opentofu', 'azurerm_linux_virtual_machine.web', '/size', 'how large a machine is'],
  ['availability', 'opentofu', 'aws_route53_record.www', '/records', 'where it is found'],
  ['metadata', 'opentofu', 'google_compute_instance.web', '/labels/team', 'a label'],
  ['noise', 'opentofu', 'aws_lambda_function.hook', '/last_modified', 'a time that the engine writes', { desired: '2026-01-01T00:00:00Z', actual: '2026-02-01T00:00:00Z' }],

  ['exposure', 'kubernetes', 'Ingress/shop/api', '/metadata/annotations/kubernetes.io~1ingress.class', 'another door'],
  ['exposure', 'kubernetes', 'Deployment/shop/api', '/spec/template/metadata/annotations/sidecar.istio.io~1inject', 'around the mesh', { desired: 'true', actual: 'false' }],
  ['exposure', 'kubernetes', 'Deployment/shop/api', '/spec/template/spec/containers/0/ports/0/hostPort', 'a port of the machine'],
  ['privilege', 'kubernetes', 'Deployment/shop/api', '/spec/template/spec/shareProcessNamespace', 'it sees other programs'],
  ['privilege', 'kubernetes', 'Deployment/shop/api', '/spec/template/spec/volumes/0/hostPath/path', 'files of the machine'],
  ['privilege', 'kubernetes', 'ServiceAccount/shop/api', '/metadata/annotations/eks.amazonaws.com~1role-arn', 'an annotation that gives a role'],
  ['configuration', 'kubernetes', 'Namespace/shop', '/metadata/labels/team', 'policies select by the labels of a namespace'],
  ['configuration', 'kubernetes', 'Node/worker-1', '/metadata/labels/disk', 'and pods by those of a node'],
  ['availability', 'kubernetes', 'Node/worker-1', '/spec/taints/0/effect', 'what may run there'],
  ['availability', 'kubernetes', 'Node/worker-1', '/spec/unschedulable', 'nothing more'],
  ['availability', 'kubernetes', 'ResourceQuota/shop/q', '/spec/hard/pods', 'how many'],
  ['availability', 'kubernetes', 'PriorityClass/high', '/value', 'what goes first'],
  ['data', 'kubernetes', 'PersistentVolume/pv1', '/spec/persistentVolumeReclaimPolicy', 'what is lost with its claim'],

  ['exposure', 'postgres', 'hba:3', '/address', 'who may connect'],
  ['identity', 'postgres', 'setting:password_encryption', '/value', 'how passwords are kept'],
  ['privilege', 'postgres', 'table:public.orders', '/row_security', 'who sees which rows'],
  ['privilege', 'postgres', 'setting:row_security', '/value', 'the same as a setting'],
  ['privilege', 'postgres', 'function:public.close_books', '/security_definer', 'it acts as its owner'],
  ['privilege', 'postgres', 'role:app', '/bypassrls', 'it sees all rows'],
  ['data', 'postgres', 'column:public.orders.total', '/type', 'how it is kept'],

  ['identity', 'files', 'etc/ssh/ssh_host_ed25519_key', '@content', 'who the machine is'],
  ['identity', 'files', 'home/ops/.ssh/id_ed25519.pub', '@content', 'a key, also its public half'],
  ['identity', 'files', 'etc/krb5.keytab', '@content', 'keys'],
  ['identity', 'files', 'etc/gshadow', '@content', 'passwords of groups'],
  ['identity', 'files', 'etc/app.yaml', '/backup/encryption/passphrase', 'a secret, although it is about what is kept', { sensitive: true }],
  ['exposure', 'files', 'etc/ssh/sshd_config.d/10-ops.conf', '@content', 'who may connect'],
  ['exposure', 'files', 'etc/firewalld/zones/public.xml', '@content', 'a firewall'],
  ['exposure', 'files', 'etc/nftables.d/web.nft', '@content', 'another'],
  ['privilege', 'files', 'etc/security/access.conf', '@content', 'who may log in where'],
  ['privilege', 'files', 'etc/doas.conf', '@content', 'who may act as root'],
  ['privilege', 'files', 'etc/apparmor.d/usr.sbin.nginx', '@content', 'what a program may do'],
  ['privilege', 'files', 'etc/selinux/config', '@content', 'whether that is looked at'],
  ['configuration', 'files', 'etc/app.yaml', '/maintenance/updateTime', 'an hour that somebody chose is no time stamp', { desired: '03:00', actual: '15:00' }],
  ['configuration', 'files', 'etc/app.yaml', '/log/timestamp', 'nor is a switch', { desired: true, actual: false }],
  ['noise', 'files', 'etc/app.yaml', '/lastModified', 'seconds since 1970 are', { desired: 1767225600, actual: 1767312000 }],
  ['identity', 'files', 'etc/app.yaml', '/signing/publicKey', 'a public key is not the public'],
];

describe('classOf, by the names that engines give', () => {
  it.each(WRITTEN.map(([as, provider, resource, path, reason, more = {}]) => ({ as, provider, resource, path, reason, more })))('$as: $provider $resource $path, $reason', ({ as, provider, resource, path, more }) => {
    expect(classOf(difference({ resource, path, ...more }), provider)).toBe(as);
  });
});
