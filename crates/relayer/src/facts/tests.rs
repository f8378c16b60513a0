use super::*;

#[test]
fn sets_have_their_layers() {
    assert_eq!(all_layers(3), U256::from(0b111));
    assert_eq!(layers_of(all_layers(254)).len(), 254);
}
