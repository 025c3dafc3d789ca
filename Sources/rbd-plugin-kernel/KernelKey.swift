import CKeyring
import Glibc
import KernelRequest

/// A client's key in the kernel's keyring, where the rbd driver looks for it. It goes when this process ends; the driver
/// has its own copy by then.
struct KernelKey {
    /// No other key's name: the driver shows it with the device, which tells whose request made it.
    let name: String

    init(_ secret: [UInt8]) throws {
        let name = KernelRequest.keyPrefix + String(UInt64.random(in: .min ... .max), radix: 16)
        do {
            try Failure.check("add the key to the kernel's keyring") {
                ckeyring_add("ceph", name, secret, secret.count)
            }
        } catch let refused as Failure where refused.code == EINVAL {
            // EINVAL is also what the driver says of an option that it does not know.
            throw Failure(what: refused.what, code: KernelRequest.keyIsRefused)
        }
        self.name = name
    }
}
