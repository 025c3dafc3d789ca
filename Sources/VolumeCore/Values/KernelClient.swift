/// What a client in the kernel needs to reach the cluster as this connection's user.
public struct KernelClient: Sendable, Hashable {
    /// Without `client.`
    public var user: String
    /// `nil` where the cluster wants none (`auth_client_required = none`).
    public var key: CephKey?
    /// `ip:port` of the monitors that speak the first protocol, which is the kernel's own choice.
    public var monitorsV1: [String]
    /// Of those that speak the second, which `ms_mode` asks for.
    public var monitorsV2: [String]
    /// How the second is to be spoken where no `ms_mode` says so.
    public var messengerV2Mode: MessengerV2Mode
    /// `rbd_default_map_options`.
    public var mapOptions: [String]

    public init(
        user: String, key: CephKey?, monitorsV1: [String], monitorsV2: [String],
        messengerV2Mode: MessengerV2Mode = .preferCRC, mapOptions: [String] = []
    ) {
        self.user = user
        self.key = key
        self.monitorsV1 = monitorsV1
        self.monitorsV2 = monitorsV2
        self.messengerV2Mode = messengerV2Mode
        self.mapOptions = mapOptions
    }
}
