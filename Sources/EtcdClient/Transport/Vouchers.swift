/// What vouches for new connections, and what did before: the way back when libcurl cannot use the new one.
struct Vouchers {
    /// Why https endpoints cannot be spoken to, where the files could never be read.
    private(set) var current: TLSFileLooks.Look
    private var former: TLSMaterial?

    init(_ first: TLSFileLooks.Look) {
        current = first
    }

    mutating func take(_ material: TLSMaterial) {
        former = try? current.get()
        current = .success(material)
    }

    /// A part of the material that libcurl has refused before anything was sent.
    enum Part {
        /// No certificate in it can be read.
        case authority
        /// The certificate and the key do not belong together, or one of them cannot be read.
        case certificateAndKey
    }

    /// Goes back to what vouched before, in that part alone. False when there is nothing to go back to.
    mutating func refuse(_ part: Part, of refused: TLSMaterial?) -> Bool {
        guard case .success(var material) = current, let refused else { return false }
        // Others have gone back already.
        guard material == refused else { return true }
        guard let former else { return false }
        switch part {
        case .authority: material.authority = former.authority
        case .certificateAndKey: (material.certificate, material.key) = (former.certificate, former.key)
        }
        guard material != refused else { return false }
        current = .success(material)
        return true
    }
}
