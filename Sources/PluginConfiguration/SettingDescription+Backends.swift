// What people are told about the settings for Ceph and etcd.
extension SettingDescription {
    static let ceph: [SettingDescription] = [
        .init(
            .monHost, .ceph, .none,
            "Addresses of the monitors, like `mon host` in `ceph.conf`. If it is not set, the plugin uses the host's configuration file; see `CEPH_CONF`."
        ),
        .init(
            .cephConf, .ceph, .computed("`/etc/ceph/<cluster>.conf`"),
            "The host's Ceph configuration file, used when `RBD_CONF_GLOBAL_MON_HOST` is not set."),
        .init(.cluster, .ceph, .text("ceph"), "Name of the Ceph cluster."),
        .init(
            .keyringUser, .ceph, .text("admin"), "The Ceph client to connect as, with or without `client.` in front."),
        .init(
            .keyringKey, .ceph, .none, secret: true,
            "That client's key. Anyone who may run `docker plugin inspect` can read it here: prefer `RBD_CONF_KEYRING_KEY_FILE`. If neither is set, Ceph looks for keyrings in `/etc/ceph`."
        ),
        .init(.keyringKeyFile, .ceph, .none, "A file that holds the key and nothing else."),
        .init(
            .keyringCapsMon, .ceph, .none,
            "The plugin writes it into the keyring for information. Only the caps that the monitors know have an effect."
        ),
        .init(.keyringCapsOSD, .ceph, .none, "Like `RBD_CONF_KEYRING_CAPS_MON`, for the OSDs."),
        .init(.keyringCapsMDS, .ceph, .none, "Like `RBD_CONF_KEYRING_CAPS_MON`, for the metadata servers."),
        .init(.fsid, .ceph, .none, "`fsid` in the section `[global]` of `ceph.conf`."),
        .init(.monInitialMembers, .ceph, .none, "`mon_initial_members` in `[global]`."),
        .init(.authClusterRequired, .ceph, .none, "`auth_cluster_required` in `[global]`: `cephx` or `none`."),
        .init(.authServiceRequired, .ceph, .none, "`auth_service_required` in `[global]`: `cephx` or `none`."),
        .init(.authClientRequired, .ceph, .none, "`auth_client_required` in `[global]`: `cephx` or `none`."),
        .init(.osdPoolDefaultSize, .ceph, .none, "`osd_pool_default_size` in `[global]`."),
        .init(.publicNetwork, .ceph, .none, "`public_network` in `[global]`."),
        .init(
            .clientDefaultFeatures, .ceph, .none,
            "`rbd_default_features` in `[client]`, and the default of `RBD_DEFAULT_FEATURES`."),
        .init(.mdsSessionTimeout, .ceph, .none, "`mds_session_timeout` in `[mds]`."),
        .init(.mdsSessionAutoclose, .ceph, .none, "`mds_session_autoclose` in `[mds]`."),
    ]

    static let etcd: [SettingDescription] = [
        .init(
            .etcdEndpoints, .etcd, .text("127.0.0.1:2379"),
            "The etcd servers, separated by commas, with or without `http://` or `https://`. The default scheme is `https` if `ETCD_CA` or `ETCD_CERT` is set, else `http`."
        ),
        .init(.etcdPrefix, .etcd, .text("docker/volume/rbd/"), "All keys of the plugin begin with this."),
        .init(.etcdUsername, .etcd, .none, "User name, if etcd asks for one."),
        .init(
            .etcdPassword, .etcd, .none, secret: true,
            "That user's password. Anyone who may run `docker plugin inspect` can read it here: prefer `ETCD_PASSWORD_FILE`."
        ),
        .init(
            .etcdPasswordFile, .etcd, .none,
            "A file that holds the password and nothing else. The plugin reads it again for each token, so it may change while the plugin runs."
        ),
        .init(
            .etcdCA, .etcd, .none,
            "PEM file with the certificate authorities that may sign etcd's certificate. Default: those of the system. The content of the file may change while the plugin runs; that is also true of `ETCD_CERT` and `ETCD_KEY`."
        ),
        .init(.etcdCert, .etcd, .none, "PEM file with the client certificate to show to etcd. Needs `ETCD_KEY`."),
        .init(.etcdKey, .etcd, .none, "PEM file with the private key of `ETCD_CERT`."),
    ]
}
