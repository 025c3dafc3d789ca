import CKeyring
import KernelRequest

/// A client's key in the kernel's keyring, where the rbd driver looks for it. It goes when this process ends; the driver
/// has its own copy by then.
struct KernelKey {
    /// No other key's name: the driver shows it with the device, which tells whose request made it.
    let name: String

    init(_ secret: [UInt8]) throws {
        let name = KernelRequest.keyPrefix + String(UInt64.random(in: .min ... .max), radix: 16)
        try Failure.check("add the key to the kernel's keyring") { ckeyring_add("ceph", name, secret, secret.count) }
        self.name = name
    }
}
