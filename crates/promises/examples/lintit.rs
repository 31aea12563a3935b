#![allow(warnings)]
#[path = "../tests/it/built.rs"] mod built;
fn main(){ let p=std::env::args().nth(1).unwrap(); let t=std::fs::read_to_string(&p).unwrap();
 match promises::Profile::parse(&t,&built::catalogue()) { Err(e)=>println!("{}",e.render(&p,&t)), Ok(pr)=>{ let l=promises::lint(&pr,&built::catalogue(),"2026-11-22T12:00:00Z".parse().unwrap()); println!("{}",promises::lint::render(&l,&p,&t)); for x in &l {println!("{x}");} } } }
