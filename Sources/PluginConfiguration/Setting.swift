/// Every setting that the plugin reads by name. The raw value is the name of the environment variable.
///
/// Any other `RBD_CONF_<SECTION>_<KEY>` is a setting too: it becomes a line of `ceph.conf` (``CephConfLine``). The
/// cases of that form below are those which `config.json` offers by name, because Docker passes on only what
/// `config.json` lists.
public enum Setting: String, Sendable, CaseIterable {
    // Ceph
    case monHost = "RBD_CONF_GLOBAL_MON_HOST"
    case cephConf = "CEPH_CONF"
    case cluster = "RBD_CONF_CLUSTER"
    case keyringUser = "RBD_CONF_KEYRING_USER"
    case keyringKey = "RBD_CONF_KEYRING_KEY"
    case keyringKeyFile = "RBD_CONF_KEYRING_KEY_FILE"
    case keyringCapsMon = "RBD_CONF_KEYRING_CAPS_MON"
    case keyringCapsOSD = "RBD_CONF_KEYRING_CAPS_OSD"
    case keyringCapsMDS = "RBD_CONF_KEYRING_CAPS_MDS"
    case fsid = "RBD_CONF_GLOBAL_FSID"
    case monInitialMembers = "RBD_CONF_GLOBAL_MON_INITIAL_MEMBERS"
    case authClusterRequired = "RBD_CONF_GLOBAL_AUTH_CLUSTER_REQUIRED"
    case authServiceRequired = "RBD_CONF_GLOBAL_AUTH_SERVICE_REQUIRED"
    case authClientRequired = "RBD_CONF_GLOBAL_AUTH_CLIENT_REQUIRED"
    case osdPoolDefaultSize = "RBD_CONF_GLOBAL_OSD_POOL_DEFAULT_SIZE"
    case publicNetwork = "RBD_CONF_GLOBAL_PUBLIC_NETWORK"
    case clientDefaultFeatures = "RBD_CONF_CLIENT_RBD_DEFAULT_FEATURES"
    case mdsSessionTimeout = "RBD_CONF_MDS_SESSION_TIMEOUT"
    case mdsSessionAutoclose = "RBD_CONF_MDS_SESSION_AUTOCLOSE"

    // etcd
    case etcdEndpoints = "ETCD_ENDPOINTS"
    case etcdPrefix = "ETCD_PREFIX"
    case etcdUsername = "ETCD_USERNAME"
    case etcdPassword = "ETCD_PASSWORD"
    case etcdPasswordFile = "ETCD_PASSWORD_FILE"
    case etcdCA = "ETCD_CA"
    case etcdCert = "ETCD_CERT"
    case etcdKey = "ETCD_KEY"

    // Volumes
    case defaultPool = "RBD_DEFAULT_POOL"
    case defaultSize = "RBD_DEFAULT_SIZE"
    case defaultFilesystem = "RBD_DEFAULT_FSTYPE"
    case defaultOrder = "RBD_DEFAULT_ORDER"
    case defaultFeatures = "RBD_DEFAULT_FEATURES"
    case defaultMkfsOptions = "RBD_DEFAULT_MKFS_OPTIONS"
    case defaultMountOptions = "RBD_DEFAULT_MOUNT_OPTIONS"
    case allowedPools = "RBD_ALLOWED_POOLS"
    case allowAdopt = "RBD_ALLOW_ADOPT"
    case maxSize = "RBD_MAX_SIZE"
    case maxVolumes = "RBD_MAX_VOLUMES"
    case scope = "RBD_SCOPE"

    // Devices
    case mapper = "RBD_MAPPER"
    case mapOptions = "RBD_MAP_OPTIONS"
    case mountOptions = "RBD_MOUNT_OPTIONS"
    case mapDeviceRoot = "RBD_CONF_MAP_DEVICE_ROOT"
    case stateDirectory = "RBD_STATE_DIR"

    // Node
    case nodeName = "NODE_NAME"
    case nodeTTL = "NODE_TTL"
    case operationsPerPool = "OPERATIONS_PER_POOL"

    // Time limits
    case operationTimeout = "OPERATION_TIMEOUT"
    case cephTimeout = "CEPH_TIMEOUT"
    case etcdTimeout = "ETCD_TIMEOUT"
    case mountWait = "MOUNT_WAIT"
    case blocklistExpiry = "BLOCKLIST_EXPIRY"
    case historyKeep = "HISTORY_KEEP"

    // Metrics
    case metricsListen = "METRICS_LISTEN"
    case metricsTokenFile = "METRICS_TOKEN_FILE"
    case metricsVolumes = "METRICS_VOLUMES"

    // Log
    case logLevel = "LOG_LEVEL"
    case logFormat = "LOG_FORMAT"

    /// The name of the environment variable.
    public var name: String { rawValue }
}
