//! x
use alloy::primitives::{Address,B256,U256};
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[allow(missing_docs)]
pub enum KeySource { Keystore{file: std::path::PathBuf, password_file: std::path::PathBuf}, Env{variable: String}, File{file: std::path::PathBuf}, AwsKms{key_id:String, region: Option<String>, endpoint: Option<String>} }
#[derive(Debug, thiserror::Error)]
#[error("x")]
#[allow(missing_docs)]
pub struct SignerError;
#[allow(missing_docs)]
impl KeySource { pub fn check_allowed(&self,_:u64,_:bool)->Result<(),SignerError>{Ok(())} pub fn warnings(&self)->Vec<String>{vec![]} pub fn describe(&self)->String{String::new()}
 pub async fn open(&self,_:u64)->Result<Key,SignerError>{ use alloy::signers::local::PrivateKeySigner; let t = match self { KeySource::Env{variable}=>std::env::var(variable).unwrap(), KeySource::File{file}=>std::fs::read_to_string(file).unwrap(), _=>todo!()}; let s: PrivateKeySigner=t.trim().parse().unwrap(); Ok(Key(s)) } }
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Key(alloy::signers::local::PrivateKeySigner);
#[allow(missing_docs)]
impl Key { pub fn guarded(self,_:AllowList)->Self{self} pub fn address(&self)->Address{self.0.address()}
 pub async fn sign_transaction(&self, tx: alloy::consensus::TxEip1559)->Result<(B256,Vec<u8>),SignerError>{ use alloy::consensus::SignableTransaction; use alloy::signers::SignerSync; use alloy::eips::eip2718::Encodable2718; let s=self.0.sign_hash_sync(&tx.signature_hash()).unwrap(); let e: alloy::consensus::TxEnvelope = tx.into_signed(s).into(); Ok((*e.tx_hash(), e.encoded_2718())) }
 pub async fn sign_digest(&self, d:B256)->Result<[u8;65],SignerError>{use alloy::signers::SignerSync; Ok(self.0.sign_hash_sync(&d).unwrap().as_bytes())} }
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct AllowList;
#[allow(missing_docs)]
impl AllowList { pub fn new(_: impl IntoIterator<Item=(Address,String,Vec<([u8;4],String)>)>)->Self{AllowList} pub fn check(&self,_:Address,_:&[u8],_:U256)->Result<(),SignerError>{Ok(())} }
